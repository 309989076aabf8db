using System.Collections.Immutable;
using System.Net;
using Streams.Cluster;
using Streams.Core;
using Streams.Gateways;

namespace Streams.Server;

/// <summary>How a server is started. Made and checked by <see cref="OptionReader"/>; each option comes from the command line, else the
/// environment,
/// else the file <c>appsettings.json</c>, else it has the default named here.</summary>
public sealed record ServerOptions
{
    /// <summary>Most links out of one cluster: what one node can feed at once.</summary>
    public const int MaxLinks = 64;

    /// <summary>Highest rate of connections that can be named: more than any node takes.</summary>
    public const int MaxRate = 1_000_000;

    /// <summary>Name of the cluster, unique in the world it joins. Default <c>local</c>.</summary>
    public ClusterName Cluster { get; init; } = ClusterName.Parse("local");

    /// <summary>The data directory. Default <c>./streams-data</c>.</summary>
    public string DataDirectory { get; init; } = "./streams-data";

    /// <summary>Where MQTT clients connect. Default 127.0.0.1:1883.</summary>
    public ListenAddress Mqtt { get; init; } = new(IPAddress.Loopback, 1883);

    /// <summary>Where the HTTP API is. Default 127.0.0.1:8080.</summary>
    public ListenAddress Http { get; init; } = new(IPAddress.Loopback, 8080);

    /// <summary>Where other clusters' links connect. Default 127.0.0.1:7070.</summary>
    public ListenAddress Link { get; init; } = new(IPAddress.Loopback, 7070);

    /// <summary>The clusters to replicate to, at most <see cref="MaxLinks"/>, each once. Default none.</summary>
    public ImmutableArray<LinkPeer> LinksTo { get; init; } = [];

    /// <summary>Where MQTT clients connect over TLS. Default <see langword="null"/>: nowhere.</summary>
    public ListenAddress? MqttTls { get; init; }

    /// <summary>Where MQTT clients connect over WebSocket. Default <see langword="null"/>: nowhere.</summary>
    public ListenAddress? MqttWs { get; init; }

    /// <summary>Where MQTT clients connect over WebSocket and TLS. Default <see langword="null"/>: nowhere.</summary>
    public ListenAddress? MqttWss { get; init; }

    /// <summary>Where the HTTP API is over TLS. Default <see langword="null"/>: nowhere.</summary>
    public ListenAddress? HttpTls { get; init; }

    /// <summary>What the TLS endpoints show and ask for.</summary>
    public TlsOptions Tls { get; init; } = new()
    {
        Names = new TlsNames(OptionKey.TlsCertificate.Switch, OptionKey.TlsKey.Switch, OptionKey.TlsClientCa.Switch),
    };

    /// <summary>The witness file, outside the data directory. Default: the name of the data directory and <c>.witness</c>, beside
    /// it.</summary>
    public string? WitnessFile { get; init; }

    /// <summary>When a new incarnation is opened. Default guarded.</summary>
    public IncarnationPolicy Incarnation { get; init; }

    /// <summary>Whether this start is declared a restore. Command line only: it is true of one start.</summary>
    public bool Restore { get; init; }

    /// <summary>Where SDK clients shall go when this cluster is lost, with weights, at most <see cref="SpreadHint.MaxClusters"/>, each
    /// once. Default none: by their own lists.</summary>
    public ImmutableArray<WeightedCluster> DevicesElsewhere { get; init; } = [];

    /// <summary>Devices a second that all other clusters together take when this one is lost. Default 1000; 1 to
    /// <see cref="MaxRate"/>.</summary>
    public int DevicesPerSecond { get; init; } = 1000;

    /// <summary>MQTT connections taken in a second. Default 0: no limit; at most <see cref="MaxRate"/>.</summary>
    public int AcceptRate { get; init; }

    /// <summary>When messages to MQTT 5 clients name the place of their event; a client may choose otherwise for itself. Default
    /// <see cref="PlaceProperties.Auto"/>.</summary>
    public PlaceProperties MqttPlace { get; init; }

    /// <summary>Where MQTT 5 clients are sent when this server stops, as the Server Reference says it: <c>HOST:PORT</c>, several with
    /// spaces between. Default none: they are only told to go.</summary>
    public string? MqttReference { get; init; }

    /// <summary>Longest keep alive of MQTT 5 clients, in seconds. Default 0: any; at most 65,535.</summary>
    public int MqttMaxKeepAlive { get; init; }

    /// <summary>What MQTT clients may do, and how much of it. Of these only what has an option of its own is not the default.</summary>
    public MqttGatewayOptions MqttLimits { get; init; } = new();

    /// <summary>How long links hold back what retention may take. Default 24 hours: that a link is down for a day is noticed. Zero to a
    /// year.</summary>
    public TimeSpan LinkHoldTime { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Bytes of each lane that links hold back at most. Default 1 GiB; at least 0.</summary>
    public long LinkHoldBytes { get; init; } = 1L << 30;

    /// <summary>How long damaged events hold up their readers, in the hope that a linked cluster gives them back; then they are stepped
    /// over. Default 1 hour; zero to a year.</summary>
    public TimeSpan DamagePatience { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How much is logged. Default info.</summary>
    public LogLevels LogLevels { get; init; } = LogLevels.Standard;
}
