using System.IO.Hashing;
using System.Runtime.InteropServices;
using Streams.Core;

namespace Streams.Storage;

/// <summary>A topic that events of a batch have.</summary>
/// <param name="Hash">XXH3 of its UTF-8, 64 bits: what stands for it in indexes.</param>
/// <param name="Topic">Its UTF-8, inside the batch.</param>
/// <param name="LastEvent">The last event of those next to each other that have it.</param>
/// <param name="Timestamp">Of that event, microseconds since 1970.</param>
internal readonly record struct TopicMention(ulong Hash, ReadOnlyMemory<byte> Topic, int LastEvent, long Timestamp);

/// <summary>An event of a batch that is to be its topic's retained message.</summary>
/// <param name="Mention">Which of the batch's mentions has its topic.</param>
/// <param name="Event">The event.</param>
/// <param name="Timestamp">Its time.</param>
/// <param name="HasMessage">Whether it has a payload.</param>
internal readonly record struct RetainedMention(int Mention, int Event, long Timestamp, bool HasMessage);

/// <summary>The topics of a batch's events, in their order; made by the caller, so that the one writer need not walk over events.</summary>
internal sealed class BatchTopics
{
    private readonly TopicMention[] _mentions;
    private readonly int _count;
    private readonly List<RetainedMention>? _retained;
    private int[]? _rows;

    private BatchTopics(TopicMention[] mentions, int count, List<RetainedMention>? retained)
    {
        _mentions = mentions;
        _count = count;
        _retained = retained;
    }

    public ReadOnlySpan<TopicMention> Mentions => _mentions.AsSpan(0, _count);

    /// <summary>Room for the row of each mention's topic among the stream's.</summary>
    public Span<int> Rows => (_rows ??= new int[_count]).AsSpan();

    /// <summary>The events that are to be retained; most batches have none.</summary>
    public ReadOnlySpan<RetainedMention> Retained => CollectionsMarshal.AsSpan(_retained);

    /// <summary>A mention's topic stands elsewhere too, in memory that stays as it is.</summary>
    public void Keep(int mention, ReadOnlyMemory<byte> topic) => _mentions[mention] = _mentions[mention] with { Topic = topic };

    public static ulong Hash(ReadOnlySpan<byte> topic) => XxHash3.HashToUInt64(topic);

    public static BatchTopics Of(EventBatch batch)
    {
        TopicMention[] mentions = new TopicMention[1];
        List<RetainedMention>? retained = null;
        int count = 0;
        foreach (EventView view in batch.Events)
        {
            // Events next to each other that have one topic share its memory.
            if (count > 0 && view.Topic.Equals(mentions[count - 1].Topic))
            {
                mentions[count - 1] = mentions[count - 1] with { LastEvent = view.Index, Timestamp = view.TimestampMicroseconds };
            }
            else
            {
                if (count == mentions.Length)
                {
                    Array.Resize(ref mentions, Math.Min(batch.Header.Count, count * 8));
                }

                mentions[count++] = new TopicMention(Hash(view.Topic.Span), view.Topic, view.Index, view.TimestampMicroseconds);
            }

            if (view.IsRetained)
            {
                Retain(retained ??= new List<RetainedMention>(1), count - 1, view);
            }
        }

        return new BatchTopics(mentions, count, retained);
    }

    // Of events next to each other that have one topic only one can win.
    private static void Retain(List<RetainedMention> retained, int mention, in EventView view)
    {
        RetainedMention made = new(mention, view.Index, view.TimestampMicroseconds, !view.Payload.IsEmpty);
        if (retained.Count == 0 || retained[^1].Mention != mention)
        {
            retained.Add(made);
        }
        else if (made.Timestamp >= retained[^1].Timestamp)
        {
            retained[^1] = made;
        }
    }
}
