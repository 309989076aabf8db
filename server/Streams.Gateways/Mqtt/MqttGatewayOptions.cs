using System.Globalization;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>What the MQTT gateway allows and how long it waits. Immutable; validated once by <see cref="Validate"/>.</summary>
public sealed record MqttGatewayOptions
{
    /// <summary>Most connections at once; further ones are refused with "server busy". Default 100,000.</summary>
    public int MaxConnections { get; init; } = 100_000;

    /// <summary>Connections taken in a second; further ones are refused with "server busy" and told when to come again. So many at once
    /// after a quiet second. Default 0: no limit; at most 1,000,000.</summary>
    public int AcceptRate { get; init; }

    /// <summary>Where SDK clients shall go when this cluster is lost, with weights; each cluster once. Default none: by their own
    /// lists.</summary>
    public IReadOnlyList<WeightedCluster> DevicesElsewhere { get; init; } = [];

    /// <summary>How many devices a second all other clusters together take when this one is lost: its SDK clients are told to spread so.
    /// As many as that go at once. Default 1000; 1 to 1,000,000.</summary>
    public int DevicesPerSecond { get; init; } = 1000;

    /// <summary>Largest packet taken, in bytes: the largest batch and its head. Default 4 MiB + 128 KiB; at least 4 KiB.</summary>
    public int MaxPacketBytes { get; init; } = EventLimits.MaxBatchBytes + (128 << 10);

    /// <summary>Most subscriptions of one client, filters and SDK subscriptions each. Default 1000.</summary>
    public int MaxSubscriptions { get; init; } = 1000;

    /// <summary>Longest topic and filter in bytes of UTF-8. Default 4352: a stream of 255 bytes, a slash and a topic of 4096; at least
    /// 16.</summary>
    public int MaxTopicBytes { get; init; } = TopicMap.MaxBytes;

    /// <summary>Most levels of a topic and of a filter. Default 128; at most 256.</summary>
    public int MaxTopicLevels { get; init; } = 128;

    /// <summary>Most streams that topics make by their first message, in all; beyond that the message is refused (0x97). Default
    /// 10,000.</summary>
    public int MaxTopicStreams { get; init; } = 10_000;

    /// <summary>Messages that one connection may publish in a second, with a burst of one second. Default 0: no limit.</summary>
    public int MaxMessagesPerSecond { get; init; }

    /// <summary>Payload bytes that one connection may publish in a second, with a burst of one second; one message may go over it.
    /// Default 0: no limit; else at least 1024.</summary>
    public long MaxBytesPerSecond { get; init; }

    /// <summary>What is done with a client that publishes faster. Default <see cref="RateAction.Throttle"/>.</summary>
    public RateAction RateAction { get; init; }

    /// <summary>Most shared subscriptions with members at once; further ones are refused with "quota exceeded". Default 10,000.</summary>
    public int MaxShareGroups { get; init; } = 10_000;

    /// <summary>How long a shared subscription is kept at least when its last member has gone without unsubscribing; it is also kept as
    /// long as a session that was a member. Default 1 day; nothing for only that long.</summary>
    public TimeSpan ShareExpiry { get; init; } = TimeSpan.FromDays(1);

    /// <summary>How long a connection may take to say CONNECT. Default 10 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Unanswered QoS 1 messages that a client may have: its Receive Maximum as announced. 3.1.1 clients are held to it by
    /// back-pressure. Default 1024.</summary>
    public int ReceiveMaximum { get; init; } = 1024;

    /// <summary>Bytes of unanswered messages of one connection at which the gateway stops reading from it. One message may go over it.
    /// Default 8 MiB.</summary>
    public int MaxUnansweredBytes { get; init; } = 8 << 20;

    /// <summary>Unacknowledged messages on their way to a 3.1.1 client, which cannot tell what it takes. Default 100.</summary>
    public int InFlightV311 { get; init; } = 100;

    /// <summary>Unacknowledged messages on their way to any client, whatever it says that it takes. Default 1000.</summary>
    public int MaxInFlight { get; init; } = 1000;

    /// <summary>Topic aliases that a client may set. Default 32; 0 allows none.</summary>
    public int TopicAliasMaximum { get; init; } = 32;

    /// <summary>Topic aliases that the gateway sets towards one client that takes some. Default 16; 0 for none, at most 256.</summary>
    public int AliasesToClient { get; init; } = 16;

    /// <summary>When messages to MQTT 5 clients name the place of their event; a client may choose otherwise for itself. Default
    /// <see cref="PlaceProperties.Auto"/>.</summary>
    public PlaceProperties Places { get; init; }

    /// <summary>Longest life of a session without a connection; longer wishes, and those of 3.1.1 clients, are cut to it. Default 30
    /// days.</summary>
    public TimeSpan MaxSessionExpiry { get; init; } = TimeSpan.FromDays(30);

    /// <summary>How long cursors are gathered before they are committed. Default 200 ms.</summary>
    public TimeSpan CommitDelay { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The same for cursors that moved only over events that the client did not ask for. Default 10 s.</summary>
    public TimeSpan IdleCommitDelay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long an event waits for earlier ones of its producer in other lanes (rule R15). Default 30 s.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Bytes read from a lane at once. Default 64 KiB; one batch may go over it.</summary>
    public int ReadBytes { get; init; } = 64 << 10;

    /// <summary>Bytes written and not taken by the transport at which a session stops writing. Default 128 KiB.</summary>
    public int WriteBufferBytes { get; init; } = 128 << 10;

    /// <summary>How long a client may take to take the last message (why it is disconnected), and a session to commit its cursors at
    /// its end. Default 5 s.</summary>
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Limits of the readers that sessions use.</summary>
    internal ReaderLimits ReaderLimits => ReaderLimits.Default with { Patience = Patience };

    /// <summary>The limit of the rate, for people.</summary>
    internal string RateText => string.Create(CultureInfo.InvariantCulture,
        $"at most {(MaxMessagesPerSecond == 0 ? "any number of" : MaxMessagesPerSecond)} messages and {(MaxBytesPerSecond == 0
            ? "any number of" : MaxBytesPerSecond)} bytes are taken in a second");

    /// <summary>Checks all of it.</summary>
    /// <returns>The same options.</returns>
    /// <exception cref="ConfigurationException">All faults, one a line.</exception>
    public MqttGatewayOptions Validate()
    {
        List<string> faults = [];
        Within(nameof(MaxConnections), MaxConnections, 1, 10_000_000);
        Within(nameof(AcceptRate), AcceptRate, 0, 1_000_000);
        Within(nameof(DevicesPerSecond), DevicesPerSecond, 1, 1_000_000);
        Within($"{nameof(DevicesElsewhere)}.Count", DevicesElsewhere.Count, 0, SpreadHint.MaxClusters);
        foreach (WeightedCluster place in DevicesElsewhere)
        {
            Within($"{nameof(DevicesElsewhere)} '{place.Cluster}'", place.Weight, 1, SpreadHint.MaxWeight);
        }

        Within(nameof(MaxPacketBytes), MaxPacketBytes, 4 << 10, MqttDecodeOptions.LargestPacket);
        Within(nameof(MaxSubscriptions), MaxSubscriptions, 1, 100_000);
        Within(nameof(MaxTopicBytes), MaxTopicBytes, 16, TopicMap.MaxBytes);
        Within(nameof(MaxTopicLevels), MaxTopicLevels, 1, TopicFilterTree<Subscription>.MaximumLevels);
        Within(nameof(MaxTopicStreams), MaxTopicStreams, 0, 10_000_000);
        Within(nameof(MaxMessagesPerSecond), MaxMessagesPerSecond, 0, 1_000_000);
        Within(nameof(MaxBytesPerSecond), MaxBytesPerSecond, MaxBytesPerSecond == 0 ? 0 : 1024, 1L << 40);
        Within(nameof(MaxShareGroups), MaxShareGroups, 1, 1_000_000);
        Within($"{nameof(ShareExpiry)} in seconds", (long)ShareExpiry.TotalSeconds, 0, uint.MaxValue - 1);
        Within(nameof(ReceiveMaximum), ReceiveMaximum, 1, ushort.MaxValue);
        Within(nameof(MaxUnansweredBytes), MaxUnansweredBytes, 64 << 10, 1 << 30);
        Within(nameof(InFlightV311), InFlightV311, 1, ushort.MaxValue);
        Within(nameof(MaxInFlight), MaxInFlight, 1, ushort.MaxValue);
        Within(nameof(TopicAliasMaximum), TopicAliasMaximum, 0, ushort.MaxValue);
        Within(nameof(AliasesToClient), AliasesToClient, 0, OutboundAliases.Most);
        Within(nameof(ReadBytes), ReadBytes, 4 << 10, 16 << 20);
        Within(nameof(WriteBufferBytes), WriteBufferBytes, 4 << 10, 64 << 20);
        Positive(nameof(ConnectTimeout), ConnectTimeout);
        Positive(nameof(MaxSessionExpiry), MaxSessionExpiry);
        Positive(nameof(CommitDelay), CommitDelay);
        Positive(nameof(IdleCommitDelay), IdleCommitDelay);
        Positive(nameof(Patience), Patience);
        Positive(nameof(CloseTimeout), CloseTimeout);
        return faults.Count == 0 ? this : throw new ConfigurationException(string.Join('\n', faults));

        void Within(string name, long value, long least, long most)
        {
            if (value < least || value > most)
            {
                faults.Add($"Mqtt.{name}: {value}, must be {least} to {most}");
            }
        }

        void Positive(string name, TimeSpan value)
        {
            if (value <= TimeSpan.Zero)
            {
                faults.Add($"Mqtt.{name}: {value}, must be more than nothing");
            }
        }
    }
}
