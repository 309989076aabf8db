using Streams.Core;

namespace Streams.Gateways;

/// <summary>An event that is to become a message, whether it was read from its lane or kept as retained. Its bytes are valid only until
/// the next one is asked for.</summary>
internal readonly record struct OutboundEvent
{
    /// <summary>The partition in which it stands.</summary>
    public required StreamPartition Partition { get; init; }

    /// <summary>The lane.</summary>
    public required Origin Origin { get; init; }

    /// <summary>Its offset.</summary>
    public required Offset Offset { get; init; }

    /// <summary>When it happened, microseconds since 1970.</summary>
    public required long TimestampMicroseconds { get; init; }

    /// <summary>UTF-8 of what the MQTT topics of its stream begin with (<see cref="TopicMap.Prefix"/>).</summary>
    public required ReadOnlyMemory<byte> Prefix { get; init; }

    /// <summary>UTF-8 of its topic in the stream.</summary>
    public required ReadOnlyMemory<byte> Topic { get; init; }

    /// <summary>Its headers in stored form.</summary>
    public required ReadOnlyMemory<byte> Headers { get; init; }

    /// <summary>Its payload.</summary>
    public required ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>Whether it was published with the retain flag.</summary>
    public bool IsRetained { get; init; }

    /// <summary>How its batch came through the gate.</summary>
    public Release Release { get; init; }
}
