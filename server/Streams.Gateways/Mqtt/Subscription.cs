using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>One filter of a client. Immutable.</summary>
/// <param name="Filter">The topic filter.</param>
/// <param name="Qos">The QoS granted.</param>
/// <param name="Identifier">The subscription identifier, or 0.</param>
/// <param name="NoLocal">Whether the client's own messages are left out.</param>
internal sealed record Subscription(string Filter, MqttQos Qos, uint Identifier, bool NoLocal)
{
    /// <summary>Whether messages keep the retain flag that they were published with.</summary>
    public bool RetainAsPublished { get; init; }

    /// <summary>When retained messages were asked for.</summary>
    public MqttRetainHandling RetainHandling { get; init; }

    /// <summary>Empty while a kept session is owed retained messages for this filter: it is sent all of them when it comes back before it
    /// has acknowledged all. <see langword="null"/> when none is owed.</summary>
    public string? RetainedOwedFrom { get; init; }

    /// <summary>Where it begins in partitions that the session was reading already when it was made: events before it are not for this
    /// filter.</summary>
    public Dictionary<StreamPartition, Dictionary<Origin, Offset>> Starts { get; init; } = [];

    /// <summary>Whether an event came before the subscription.</summary>
    public bool IsBefore(StreamPartition partition, Origin origin, Offset offset) =>
        Starts.Count > 0 && Starts.TryGetValue(partition, out Dictionary<Origin, Offset>? lanes)
        && lanes.TryGetValue(origin, out Offset start) && offset < start;
}
