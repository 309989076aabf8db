using Microsoft.Extensions.Logging;

namespace Streams.Gateways;

/// <summary>What every part of the gateway works with.</summary>
internal sealed record GatewayServices(IEventStore Store, ILaneHorizon Horizon, IAccessPolicy Access, MqttGatewayOptions Options,
    TimeProvider Time, ILogger Log, GatewayMeter Meter, StreamRoster Roster)
{
    /// <summary>Ends what is over; set once, before the first connection.</summary>
    public SessionKeeper Keeper { get; set; } = null!;

    /// <summary>Microseconds since 1970.</summary>
    public long NowMicroseconds => (Time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
}
