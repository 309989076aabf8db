using System.Collections.Immutable;

namespace Streams.Server;

/// <summary>One option: its name in the file and the environment, and its switch on the command line.</summary>
/// <param name="Name">As in the file: <c>LinkTo</c>. In the environment: <c>STREAMS__LINKTO</c>.</param>
/// <param name="Switch">As on the command line: <c>--link-to</c>.</param>
/// <param name="ValueName">What stands for its value in the help text; empty for a flag.</param>
/// <param name="Text">One line of help.</param>
internal sealed record OptionKey(string Name, string Switch, string ValueName, string Text)
{
    public static readonly OptionKey Cluster = new("Cluster", "--cluster", "NAME",
        "name of this cluster, unique in its world (default local)");
    public static readonly OptionKey Data = new("Data", "--data", "DIRECTORY", "where everything is kept (default ./streams-data)");
    public static readonly OptionKey Mqtt = new("Mqtt", "--mqtt", "HOST:PORT", "where MQTT clients connect (default 127.0.0.1:1883)");
    public static readonly OptionKey Http = new("Http", "--http", "HOST:PORT", "where the HTTP API is (default 127.0.0.1:8080)");
    public static readonly OptionKey Link = new("Link", "--link", "HOST:PORT",
        "where links of other clusters connect (default 127.0.0.1:7070)");
    public static readonly OptionKey LinkTo = new("LinkTo", "--link-to", "NAME=HOST:PORT", "a cluster to replicate to; up to 64 times");
    public static readonly OptionKey MqttTls = new("MqttTls", "--mqtt-tls", "HOST:PORT",
        "where MQTT clients connect over TLS (default: nowhere)");
    public static readonly OptionKey MqttWs = new("MqttWs", "--mqtt-ws", "HOST:PORT",
        "where MQTT clients connect over WebSocket, path /mqtt (default: nowhere)");
    public static readonly OptionKey MqttWss = new("MqttWss", "--mqtt-wss", "HOST:PORT",
        "where MQTT clients connect over WebSocket and TLS, path /mqtt (default: nowhere)");
    public static readonly OptionKey HttpTls = new("HttpTls", "--http-tls", "HOST:PORT",
        "where the HTTP API is over TLS (default: nowhere)");
    public static readonly OptionKey TlsCertificate = new("TlsCertificate", "--tls-certificate", "FILE",
        "certificate of all TLS endpoints, PEM, the intermediate ones behind it");
    public static readonly OptionKey TlsKey = new("TlsKey", "--tls-key", "FILE",
        "its private key, PEM, not encrypted (default: in the file of the certificate)");
    public static readonly OptionKey TlsClient = new("TlsClient", "--tls-client", "none|optional|required",
        "whether clients show a certificate (default none)");
    public static readonly OptionKey TlsClientCa = new("TlsClientCa", "--tls-client-ca", "FILE",
        "certificates, PEM, that clients' ones must come from");
    public static readonly OptionKey Witness = new("Witness", "--witness", "FILE",
        "witness against rollbacks, outside the data (default DIRECTORY.witness)");
    public static readonly OptionKey Incarnation = new("Incarnation", "--incarnation", "guarded|always",
        "when a new incarnation is opened (default guarded)");
    public static readonly OptionKey Restore = new("Restore", "--restore", "", "this start is from a copy: open a new incarnation");
    public static readonly OptionKey DevicesElsewhere = new("DevicesElsewhere", "--devices-elsewhere", "NAME=WEIGHT,…",
        "where devices go when this cluster is lost (default: by their own lists)");
    public static readonly OptionKey DevicesPerSecond = new("DevicesPerSecond", "--devices-per-second", "NUMBER",
        "devices a second that the others then take: they spread so (default 1000)");
    public static readonly OptionKey AcceptRate = new("AcceptRate", "--accept-rate", "NUMBER",
        "MQTT connections taken in a second; 0 is no limit (default 0)");
    public static readonly OptionKey MqttPlace = new("MqttPlace", "--mqtt-place", "WHEN",
        "when MQTT 5 messages name the place of their event: auto, always, never (default auto)");
    public static readonly OptionKey MqttMaxConnections = new("MqttMaxConnections", "--mqtt-max-connections", "NUMBER",
        "MQTT connections at once (default 100000)");
    public static readonly OptionKey MqttConnectTimeout = new("MqttConnectTimeout", "--mqtt-connect-timeout", "DURATION",
        "how long a connection may take to say CONNECT (default PT10S)");
    public static readonly OptionKey MqttMaxPacket = new("MqttMaxPacket", "--mqtt-max-packet", "BYTES",
        "largest MQTT packet taken (default 4325376)");
    public static readonly OptionKey MqttReceiveMaximum = new("MqttReceiveMaximum", "--mqtt-receive-maximum", "NUMBER",
        "messages of a client being worked on at once (default 1024)");
    public static readonly OptionKey MqttMaxInFlight = new("MqttMaxInFlight", "--mqtt-max-in-flight", "NUMBER",
        "messages on their way to a client at once (default 1000)");
    public static readonly OptionKey MqttMaxSubscriptions = new("MqttMaxSubscriptions", "--mqtt-max-subscriptions", "NUMBER",
        "topic filters of a client (default 1000)");
    public static readonly OptionKey MqttMaxTopicBytes = new("MqttMaxTopicBytes", "--mqtt-max-topic-bytes", "BYTES",
        "longest topic and filter (default 4352)");
    public static readonly OptionKey MqttMaxTopicLevels = new("MqttMaxTopicLevels", "--mqtt-max-topic-levels", "NUMBER",
        "levels of a topic and a filter (default 128)");
    public static readonly OptionKey MqttTopicAliases = new("MqttTopicAliases", "--mqtt-topic-aliases", "NUMBER",
        "topic aliases towards a client that takes some (default 16)");
    public static readonly OptionKey MqttMaxStreams = new("MqttMaxStreams", "--mqtt-max-streams", "NUMBER",
        "streams made by topics, in all (default 10000)");
    public static readonly OptionKey MqttRateMessages = new("MqttRateMessages", "--mqtt-rate-messages", "NUMBER",
        "messages a client may publish in a second; 0 is no limit (default 0)");
    public static readonly OptionKey MqttRateBytes = new("MqttRateBytes", "--mqtt-rate-bytes", "BYTES",
        "bytes a client may publish in a second; 0 is no limit (default 0)");
    public static readonly OptionKey MqttRateAction = new("MqttRateAction", "--mqtt-rate-action", "throttle|disconnect",
        "what is done with who publishes faster (default throttle)");
    public static readonly OptionKey LinkHoldTime = new("LinkHoldTime", "--link-hold-time", "DURATION",
        "how long links hold back what retention may take (default PT24H)");
    public static readonly OptionKey LinkHoldBytes = new("LinkHoldBytes", "--link-hold-bytes", "NUMBER",
        "bytes of each lane that links hold back at most (default 1073741824)");
    public static readonly OptionKey DamagePatience = new("DamagePatience", "--damage-patience", "DURATION",
        "how long damaged events hold up their readers before these step over them (default PT1H)");
    public static readonly OptionKey LogLevel = new("LogLevel", "--log-level", "LEVEL",
        "trace, debug, info, warning, error, none (default info)");

    public static readonly ImmutableArray<OptionKey> All =
        [Cluster, Data, Mqtt, Http, Link, LinkTo, MqttTls, MqttWs, MqttWss, HttpTls, TlsCertificate, TlsKey, TlsClient, TlsClientCa,
            Witness, Incarnation, Restore, DevicesElsewhere, DevicesPerSecond,
            AcceptRate, MqttPlace, MqttMaxConnections, MqttConnectTimeout, MqttMaxPacket, MqttReceiveMaximum, MqttMaxInFlight,
            MqttMaxSubscriptions, MqttMaxTopicBytes, MqttMaxTopicLevels, MqttTopicAliases, MqttMaxStreams, MqttRateMessages,
            MqttRateBytes, MqttRateAction, LinkHoldTime, LinkHoldBytes, DamagePatience, LogLevel];

    public bool IsFlag => ValueName.Length == 0;

    public bool MayRepeat => this == LinkTo;
}

/// <summary>A value of an option as it was found.</summary>
/// <param name="Key">The option.</param>
/// <param name="Value">The text; empty for a flag.</param>
/// <param name="Place">Where it was found, for the fault line: <c>--mqtt</c>, <c>STREAMS__MQTT</c>, <c>appsettings.json
/// Streams:Mqtt</c>.</param>
internal readonly record struct OptionValue(OptionKey Key, string Value, string Place);
