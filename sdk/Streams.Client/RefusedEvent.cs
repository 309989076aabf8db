using Streams.Core;

namespace Streams.Client;

/// <summary>An event that a cluster refused for good: it was put aside in the outbox and holds nothing up.</summary>
public sealed class RefusedEvent
{
    internal RefusedEvent()
    {
    }

    /// <summary>Its number in the outbox, for <see cref="RefusedEvents.RetryAsync"/> and
    /// <see cref="RefusedEvents.DiscardAsync"/>.</summary>
    public required long Id { get; init; }

    /// <summary>The partition it was published to.</summary>
    public required StreamPartition Partition { get; init; }

    /// <summary>The identity under which it was refused.</summary>
    public required EventIdentity Identity { get; init; }

    /// <summary>The topic within the stream.</summary>
    public required TopicName Topic { get; init; }

    /// <summary>The key, or empty.</summary>
    public ReadOnlyMemory<byte> Key { get; init; }

    /// <summary>The headers, in order.</summary>
    public IReadOnlyList<EventHeader> Headers { get; init; } = [];

    /// <summary>The payload.</summary>
    public required ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>When it happened, by the publisher's clock.</summary>
    public required DateTimeOffset Timestamp { get; init; }

    /// <summary>Why it was refused, in the cluster's words.</summary>
    public required string Reason { get; init; }
}
