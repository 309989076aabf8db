using System.Text;
using Streams.Core;

namespace Streams.Storage;

/// <summary>Retained messages: which event is a topic's is in memory, the event itself in the log, in an entry or, where that went, in a
/// piece of joined state that carries it.</summary>
public sealed partial class Container
{
    private const int RetainedAtOnce = 512;           // looked at under the lock

    // Each is logged once; beyond so many there is trouble enough in the log.
    private const int MaxUnreadable = 1000;

    private readonly HashSet<long> _unreadable = [];

    /// <summary>Which event is the retained message of a topic; <see langword="null"/> when the topic never had one. From memory.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="topic">UTF-8 of the topic.</param>
    public RetainedHead? RetainedHead(StreamPath stream, ReadOnlySpan<byte> topic)
    {
        ulong hash = BatchTopics.Hash(topic);
        lock (_gate)
        {
            return _state.Topics.Of(stream) is { } topics && topics.Retained(hash, topic) is { } mark
                ? Head(topics.NameOf(topics.RowOf(hash, topic)), mark) : null;
        }
    }

    /// <summary>The topics of a stream that have a retained message, a page at a time, from memory. All that had one when the first page
    /// was taken, and still have it, are on one of the pages, once.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="from">0, or <see cref="RetainedPage.Next"/> of a page that this container gave since it was opened.</param>
    /// <param name="max">Most topics of the page; those without a message any more count, though they are not given.</param>
    public RetainedPage Retained(StreamPath stream, int from, int max)
    {
        List<RetainedHead> heads = [];
        lock (_gate)
        {
            StreamTopics? topics = _state.Topics.Of(stream);
            int count = topics?.RetainedCount ?? 0;
            int end = (int)Math.Min(count, (long)from + Math.Min(max, RetainedAtOnce));
            for (int i = from; i < end; i++)
            {
                (int topic, RetainedMark mark) = topics!.RetainedAt(i);
                if (mark.HasMessage)
                {
                    heads.Add(Head(topics.NameOf(topic), mark));
                }
            }

            return new RetainedPage(heads, end < count ? end : -1);
        }
    }

    /// <summary>The retained message of a topic as it is now; <see langword="null"/> when it has none, or when its event is damaged here:
    /// that is logged, and the entry asked of the neighbours if it is kept. Reads one record.</summary>
    /// <exception cref="StorageFailedException">The disk refused to read.</exception>
    public async ValueTask<RetainedMessage?> RetainedAsync(StreamPath stream, ReadOnlyMemory<byte> topic,
        CancellationToken cancellationToken)
    {
        if (await ReadRetainedAsync(stream, topic, canWait: true, cancellationToken) is not { Mark.HasMessage: true } item)
        {
            return null;
        }

        // The rest of the batch that it stood in must not stay in memory with it.
        byte[] name = Encoding.UTF8.GetBytes(item.Topic.Topic.Value);
        return new RetainedMessage(Head(name, item.Mark), item.Key.ToArray(), item.Headers.ToArray(), item.Payload.ToArray());
    }

    private static RetainedHead Head(ReadOnlyMemory<byte> topic, in RetainedMark mark) =>
        new(topic, mark.Lane, new Offset(mark.Offset), mark.Timestamp, mark.HasMessage);

    // What is to be written again. One that cannot be read is lost, which is logged; nothing waits for it.
    private async ValueTask<IReadOnlyList<StateItem>> RetainedAmongAsync(IReadOnlyList<FactKey> facts, CancellationToken cancellationToken)
    {
        List<StateItem> items = [];
        foreach (FactKey fact in facts)
        {
            if (fact.Kind == FactKind.Retained && await ReadRetainedAsync(fact.Partition.Stream, Encoding.UTF8.GetBytes(fact.Name),
                canWait: true, cancellationToken) is { } item)
            {
                items.Add(item.ToItem());
            }
        }

        return items;
    }

    // Those whose events are not among the entries kept here, of lanes of which that, or such a message, changed: the others come with
    // the entries. Read one by one while they are taken; what changes meanwhile is given as it is then.
    private IEnumerable<StateItem> RetainedSince(long since)
    {
        StreamPath[] streams;
        lock (_gate)
        {
            streams = [.. _state.Topics.Streams];
        }

        List<ReadOnlyMemory<byte>> wanted = [];
        foreach (StreamPath stream in streams)
        {
            for (int from = 0; from >= 0;)
            {
                wanted.Clear();
                from = TakeWanted(stream, from, since, wanted);
                foreach (ReadOnlyMemory<byte> topic in wanted)
                {
                    Task<RetainedItem?> read = ReadRetainedAsync(stream, topic, canWait: false, default).AsTask();
                    if (read.GetAwaiter().GetResult() is { } item)
                    {
                        yield return item.ToItem();
                    }
                }
            }
        }
    }

    private int TakeWanted(StreamPath stream, int from, long since, List<ReadOnlyMemory<byte>> into)
    {
        lock (_gate)
        {
            StreamTopics topics = _state.Topics.Of(stream)!;
            int end = Math.Min(topics.RetainedCount, from + RetainedAtOnce);
            for (int i = from; i < end; i++)
            {
                (int topic, RetainedMark mark) = topics.RetainedAt(i);
                if (!_state.IsKept(mark.Lane, mark.Offset) && _state.HeldChanged(mark.Lane, since))
                {
                    into.Add(topics.NameOf(topic));
                }
            }

            return end < topics.RetainedCount ? end : -1;
        }
    }

    // What the disk refuses to a link that goes over all of them counts as damaged: the link must not end for it, again and again.
    // Giving space back may move a record between the look and the reading: then it is looked at again.
    private async ValueTask<RetainedItem?> ReadRetainedAsync(StreamPath stream, ReadOnlyMemory<byte> topic, bool canWait,
        CancellationToken cancellationToken)
    {
        ulong hash = BatchTopics.Hash(topic.Span);
        while (true)
        {
            TopicFact fact;
            RetainedMark mark;
            lock (_gate)
            {
                if (_state.Topics.Of(stream) is not { } topics || topics.Retained(hash, topic.Span) is not { } found)
                {
                    return null;
                }

                (fact, mark) = (topics.FactOf(topics.RowOf(hash, topic.Span)), found);
            }

            if (!mark.HasMessage)
            {
                return new RetainedItem(fact, mark, default, default, default);
            }

            StorageFailedException? refused = null;
            try
            {
                if (await RetainedReader.ReadAsync(_log, fact, mark, canWait, cancellationToken) is { } item)
                {
                    return item;
                }
            }
            catch (StorageFailedException cause)
            {
                refused = cause;
            }

            if (RetainedMoved(stream, hash, topic, mark))
            {
                continue;
            }

            if (refused is not null && canWait)
            {
                throw refused;
            }

            await NoteRetainedDamageAsync(stream, fact.Topic, mark, canWait, cancellationToken);
            return null;
        }
    }

    private bool RetainedMoved(StreamPath stream, ulong hash, ReadOnlyMemory<byte> topic, in RetainedMark mark)
    {
        lock (_gate)
        {
            return _state.Topics.Of(stream)?.Retained(hash, topic.Span) is { } now && now.Position != mark.Position;
        }
    }

    // Reading the entry finds out its number and notes the damage, so that it is asked of the neighbours.
    private async ValueTask NoteRetainedDamageAsync(StreamPath stream, TopicName topic, RetainedMark mark, bool canWait,
        CancellationToken cancellationToken)
    {
        bool isNew;
        bool isKept;
        lock (_gate)
        {
            isNew = _unreadable.Count < MaxUnreadable && _unreadable.Add(mark.Position);
            isKept = _state.IsKept(mark.Lane, mark.Offset);
        }

        if (isNew)
        {
            _logger.RetainedDamaged(stream, topic.Value, mark.Offset, mark.Lane);
        }

        if (isKept && canWait)
        {
            try
            {
                (await ReadAsync(mark.Lane, new Offset(mark.Offset), 1, cancellationToken)).Dispose();
            }
            catch (InvalidFormatException)
            {
            }
        }
    }
}
