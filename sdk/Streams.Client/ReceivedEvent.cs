using Streams.Core;

namespace Streams.Client;

/// <summary>An event as a consumer is given it. Acknowledge it when it is done with: only then does the cursor move behind it.</summary>
public sealed class ReceivedEvent
{
    internal ReceivedEvent()
    {
    }

    /// <summary>The stream.</summary>
    public required StreamPath Stream { get; init; }

    /// <summary>The partition.</summary>
    public required PartitionId Partition { get; init; }

    /// <summary>The lane and the offset in it.</summary>
    public required EventPlace Place { get; init; }

    /// <summary>Producer, epoch and sequence.</summary>
    public required EventIdentity Identity { get; init; }

    /// <summary>The topic within the stream.</summary>
    public required TopicName Topic { get; init; }

    /// <summary>The key, or empty.</summary>
    public ReadOnlyMemory<byte> Key { get; init; }

    /// <summary>The headers, in order.</summary>
    public IReadOnlyList<EventHeader> Headers { get; init; } = [];

    /// <summary>The payload.</summary>
    public required ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>When it happened, by the producer's clock.</summary>
    public required DateTimeOffset Timestamp { get; init; }

    /// <summary>Whether it was given although an earlier event of its producer had not arrived: patience ran out, or the awaited
    /// incarnation is closed.</summary>
    public bool OrderReleased { get; init; }

    /// <summary>Set when this is no event of the application: its device dropped events of this topic (of many topics where it is
    /// <see cref="EventGap.ManyTopics"/>) before it sent them, and this stands where the first of them would have stood. What retention
    /// took from a cluster is not told so: it is counted and logged.</summary>
    public EventGap? Gap { get; init; }

    internal Action<ReceivedEvent>? Acknowledged { get; init; }

    internal int Life { get; init; }

    /// <summary>Marks the event as done with. May be called in any order and from any thread; repeated calls do nothing.</summary>
    public void Acknowledge() => Acknowledged?.Invoke(this);
}
