using System.Buffers;
using Streams.Core;

namespace Streams.Client;

/// <summary>Consecutive events of one partition that go, or went, into one batch; they stay until a cluster holds all of them. Used under
/// the lock of <see cref="MemoryEvents"/>, but for <see cref="Write"/>.</summary>
internal sealed class EventPage(StreamPartition partition, long first, EventBatchBuilder builder)
{
    private readonly List<(long Sequence, PendingEvent Pending)> _pending = [];
    private int _lastTopic;
    private long _left;

    /// <summary>The partition.</summary>
    public StreamPartition Partition => partition;

    /// <summary>Sequence of the first event.</summary>
    public long First => first;

    /// <summary>Sequence of the last event.</summary>
    public long Last => first + builder.Count - 1;

    /// <summary>How many.</summary>
    public int Count => builder.Count;

    /// <summary>Bytes that its events count.</summary>
    public long Bytes { get; private set; }

    /// <summary>Whether the sender was told of it: nothing more is added.</summary>
    public bool IsSealed { get; set; }

    /// <summary>The first refusal of an event of it, or <see langword="null"/>.</summary>
    public Exception? Refused { get; set; }

    /// <summary>What its events are in; for another page when it is done.</summary>
    public EventBatchBuilder Builder => builder;

    /// <summary>Whether all its events have the same topic.</summary>
    public bool IsOfOneTopic { get; private set; } = true;

    /// <summary>Whether nothing of it waits any more.</summary>
    public bool IsDone => _left == 0;

    /// <summary>Who waits until all of it is done.</summary>
    public List<PendingFlush> Flushes { get; } = [];

    /// <summary>Adds an event, or says no when the page is full.</summary>
    /// <exception cref="InvalidRequestException">The event alone is over a limit.</exception>
    public bool TryAdd(ReadOnlySpan<byte> topic, int topicHash, in PlainEvent content, long bytes, int maxBatchBytes,
        PendingEvent? pending)
    {
        int limit = Count == 0 ? EventLimits.MaxBatchBytes : maxBatchBytes;
        if (!builder.TryAdd(topic, content.Key.Span, content.Headers.Span, content.Payload.Span, content.TimestampMicroseconds, limit))
        {
            return false;
        }

        IsOfOneTopic &= Count == 1 || topicHash == _lastTopic;
        _lastTopic = topicHash;
        Bytes += bytes;
        _left++;
        if (pending is not null)
        {
            _pending.Add((Last, pending));
        }

        return true;
    }

    /// <summary>Writes the batch of the events from <paramref name="from"/> to <paramref name="to"/>; all of them, or a part.</summary>
    public BatchHeader Write(OutgoingBatch batch, long from, long to, BatchCompression compression, IBufferWriter<byte> output)
    {
        if (from == First && to == Last)
        {
            return builder.Write(batch.First, batch.Predecessor, batch.MayHaveTwins, output, compression);
        }

        EventBatchBuilder part = new();
        foreach (EventView view in Whole(batch.First).Events)
        {
            if (First + view.Index >= from && First + view.Index <= to)
            {
                part.TryAdd(view.Topic.Span, view.Key.Span, view.Headers.Span, view.Payload.Span, view.TimestampMicroseconds);
            }
        }

        return part.Write(batch.First, batch.Predecessor, batch.MayHaveTwins, output, compression);
    }

    /// <summary>The last event of those from <paramref name="from"/> on that a batch of so many bytes holds; one fits
    /// always.</summary>
    public long Fit(long from, long to, int maxBytes, out int bodyBytes)
    {
        bodyBytes = builder.Bytes - BatchHeader.Size;
        if (from == First && to == Last && (Count == 1 || builder.Bytes <= maxBytes))
        {
            return to;
        }

        long bytes = BatchHeader.Size;
        long last = from;
        const int RecordBytes = 32;                      // more than what stands around the parts of an event
        foreach (EventView view in Whole(new EventIdentity(default, 1, First)).Events)
        {
            long sequence = First + view.Index;
            if (sequence >= from && sequence <= to)
            {
                bytes += view.Bytes + RecordBytes;
                if (bytes > maxBytes && sequence > from)
                {
                    break;
                }

                last = sequence;
                bodyBytes = (int)bytes - BatchHeader.Size;
            }
        }

        return last;
    }

    /// <summary>A cluster holds these (or refused them): who waits for them is taken out.</summary>
    /// <param name="from">The first.</param>
    /// <param name="to">The last.</param>
    /// <param name="told">Gets them.</param>
    public void Take(long from, long to, List<(long Sequence, PendingEvent Pending)> told)
    {
        _left -= to - from + 1;
        if (_pending.Count == 0)
        {
            return;
        }

        if (from == First && to == Last)
        {
            told.AddRange(_pending);
            _pending.Clear();
            return;
        }

        foreach ((long Sequence, PendingEvent Pending) pending in _pending)
        {
            if (pending.Sequence >= from && pending.Sequence <= to)
            {
                told.Add(pending);
            }
        }

        _pending.RemoveAll(p => p.Sequence >= from && p.Sequence <= to);
    }

    /// <summary>Everybody who waits for one of its events is taken out.</summary>
    public void TakeAll(List<(long Sequence, PendingEvent Pending)> told)
    {
        told.AddRange(_pending);
        _pending.Clear();
    }

    private EventBatch Whole(EventIdentity any)
    {
        ArrayBufferWriter<byte> output = new(builder.Bytes);
        builder.Write(any with { Sequence = First }, default, false, output);
        return EventBatch.Parse(output.WrittenMemory);
    }
}
