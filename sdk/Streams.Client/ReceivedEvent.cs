using System.Diagnostics;
using Streams.Core;

namespace Streams.Client;

/// <summary>An event as a consumer is given it. Acknowledge it when it is done with: only then does the cursor move behind it.</summary>
public sealed class ReceivedEvent
{
    private readonly EventContent _content;
    private readonly int _life;

    internal ReceivedEvent(EventContent content, int life) => (_content, _life) = (content, life);

    internal EventContent Content => _content;

    internal int Life => _life;

    /// <summary>The stream.</summary>
    public StreamPath Stream => _content.Stream;

    /// <summary>The partition.</summary>
    public PartitionId Partition => _content.Partition;

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

    /// <summary>The trace context under which it was published, read from the headers <c>traceparent</c> and <c>tracestate</c>; default
    /// when there is none or it makes no sense. Link to it: the publishing may be long over.</summary>
    public ActivityContext TraceContext => TraceHeaders.Read(Headers);

    /// <summary>Set when this is no event of the application: its device dropped events of this topic (of many topics where it is
    /// <see cref="EventGap.ManyTopics"/>) before it sent them, and this stands where the first of them would have stood. What retention
    /// took from a cluster is not told so: it is counted and logged.</summary>
    public EventGap? Gap { get; init; }

    /// <summary>The activity <c>consume</c> of this event, linked to <see cref="TraceContext"/>, when somebody listens. It ends when the
    /// next event is asked for. An <see langword="await"/> <see langword="foreach"/> does not make it current: set
    /// <see cref="System.Diagnostics.Activity.Current"/> to it, or start activities of your own under its context.</summary>
    public Activity? Activity { get; internal set; }

    /// <summary>Marks the event as done with. May be called in any order and from any thread; repeated calls do nothing.</summary>
    public void Acknowledge() => _content.Acknowledge(Identity, 1, _life);

    /// <summary>Marks this event, and all that were handed out of its lane before it, as done with: those of its partition and origin at
    /// lower offsets. What waits to be handed out is not touched. For programs that work in order; costs one look at what is prefetched,
    /// so call it every some events rather than for each.</summary>
    public void AcknowledgeUpTo() => _content.AcknowledgeUpTo(Place, _life);
}
