using System.IO.Hashing;
using Streams.Core;

namespace Streams.Storage;

/// <summary>A topic that events of a batch have.</summary>
/// <param name="Hash">XXH3 of its UTF-8, 64 bits: what stands for it in indexes.</param>
/// <param name="Topic">Its UTF-8, inside the batch.</param>
/// <param name="LastEvent">The last event of those next to each other that have it.</param>
/// <param name="Timestamp">Of that event, microseconds since 1970.</param>
internal readonly record struct TopicMention(ulong Hash, ReadOnlyMemory<byte> Topic, int LastEvent, long Timestamp);

/// <summary>The topics of a batch's events, in their order; made by the caller, so that the one writer need not walk over events.</summary>
internal sealed class BatchTopics
{
    private readonly TopicMention[] _mentions;
    private readonly int _count;
    private int[]? _rows;

    private BatchTopics(TopicMention[] mentions, int count)
    {
        _mentions = mentions;
        _count = count;
    }

    public ReadOnlySpan<TopicMention> Mentions => _mentions.AsSpan(0, _count);

    /// <summary>Room for the row of each mention's topic among the stream's.</summary>
    public Span<int> Rows => (_rows ??= new int[_count]).AsSpan();

    /// <summary>Copies the topic of a mention, which then no longer stands in the batch's memory.</summary>
    public void Keep(int mention) => _mentions[mention] = _mentions[mention] with { Topic = _mentions[mention].Topic.ToArray() };

    public static ulong Hash(ReadOnlySpan<byte> topic) => XxHash3.HashToUInt64(topic);

    public static BatchTopics Of(EventBatch batch)
    {
        TopicMention[] mentions = new TopicMention[1];
        int count = 0;
        foreach (EventView view in batch.Events)
        {
            // Events next to each other that have one topic share its memory.
            if (count > 0 && view.Topic.Equals(mentions[count - 1].Topic))
            {
                mentions[count - 1] = mentions[count - 1] with { LastEvent = view.Index, Timestamp = view.TimestampMicroseconds };
                continue;
            }

            if (count == mentions.Length)
            {
                Array.Resize(ref mentions, Math.Min(batch.Header.Count, count * 8));
            }

            mentions[count++] = new TopicMention(Hash(view.Topic.Span), view.Topic, view.Index, view.TimestampMicroseconds);
        }

        return new BatchTopics(mentions, count);
    }
}
