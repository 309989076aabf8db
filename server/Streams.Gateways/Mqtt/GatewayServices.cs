using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Gateways;

/// <summary>What every part of the gateway works with.</summary>
internal sealed record GatewayServices(IEventStore Store, ILaneHorizon Horizon, IAccessPolicy Access, MqttGatewayOptions Options,
    TimeProvider Time, ILogger Log, GatewayMeter Meter, StreamRoster Roster)
{
    /// <summary>Ends what is over; set once, before the first connection.</summary>
    public SessionKeeper Keeper { get; set; } = null!;

    /// <summary>Finds out who connects; <see langword="null"/> to take clients for who they say they are.</summary>
    public IClientAuthentication? Clients { get; init; }

    /// <summary>Where what is stored here goes on to (<see cref="ProtocolTopics.PathProperty"/>); <see langword="null"/> at a
    /// cluster.</summary>
    public Func<string>? Path { get; init; }

    /// <summary>How long topics may be.</summary>
    public TopicLimits TopicLimits { get; } = new(Options.MaxTopicBytes, Options.MaxTopicLevels);

    /// <summary>How many streams topics may make.</summary>
    public StreamQuota TopicStreams { get; } = new(Store, Options.MaxTopicStreams);

    /// <summary>The shared subscriptions that have members here.</summary>
    public ShareGroups Shares { get; } = new();

    /// <summary>Microseconds since 1970.</summary>
    public long NowMicroseconds => (Time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
}
