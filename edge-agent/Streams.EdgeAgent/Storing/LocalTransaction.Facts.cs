using System.Text;
using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>Cursors, registers and marks.</summary>
internal sealed partial class LocalTransaction
{
    private readonly Dictionary<(StreamPath Stream, string Key), StagedMarks> _marks = [];

    private sealed class StagedMarks(MarkedNumbers numbers)
    {
        public MarkedNumbers Numbers => numbers;

        public bool IsChanged { get; set; }
    }

    /// <summary>Joins a cursor into what is kept (rule R11); whether that changed anything.</summary>
    public bool Commit(ConsumerName consumer, StreamPartition partition, Cursor cursor)
    {
        Cursor kept = LocalRows.Cursor(_db, consumer, partition);
        Cursor joined = Cursor.Join(kept, cursor);
        if (ReferenceEquals(joined, kept))
        {
            return false;
        }

        _db.Use("INSERT INTO cursors(consumer, stream, partition, cursor) VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET cursor=?4")
            .Bind(1, consumer.Value).Bind(2, partition.Stream.Value).Bind(3, (long)partition.Partition.Value)
            .Bind(4, LocalRows.Bytes(joined).Span).Run();
        _changed.Add(partition.Stream);
        return true;
    }

    /// <summary>Writes a register; one that is written only because there is nothing yet has the earliest of all moments, so that it
    /// loses to what was chosen elsewhere.</summary>
    public bool SetRegister(StreamPath stream, string key, ReadOnlyMemory<byte> value, bool onlyIfNew)
    {
        if (!onlyIfNew)
        {
            return Write(stream, new RegisterFact(key, _clock.Next(), value));
        }

        bool isKnown = _settings.ContainsKey(stream) || _book.Settings(stream) is not null;
        return !isKnown && Write(stream, new RegisterFact(key, new HybridTimestamp(0, _identity.Origin.Cluster), value));
    }

    /// <summary>Writes a register as if right behind the moment at which it is known.</summary>
    public bool ReplaceRegister(StreamPath stream, in RegisterFact known, ReadOnlyMemory<byte> value) =>
        Write(stream, new RegisterFact(known.Key, known.At.Successor(_identity.Origin.Cluster), value));

    /// <summary>Joins a register that was written elsewhere.</summary>
    public bool TakeRegister(StreamPath stream, in RegisterFact fact) => Write(stream, fact);

    /// <summary>An event that is appended and marked; one that is marked already is not appended, and has no place.</summary>
    /// <exception cref="InvalidRequestException">Over a limit; nothing is taken.</exception>
    public void AppendOnce(AppendOnceOperation operation, in Mark mark, bool isNew)
    {
        StagedMarks marks = MarksOf(mark);
        bool isMarked = marks.Numbers.Contains(mark.Number);
        if (isMarked && !isNew)
        {
            return;
        }

        if (!isMarked && marks.Numbers.Count >= mark.MaxCount)
        {
            throw new InvalidRequestException($"{marks.Numbers.Count} messages are taken and not released, at most {mark.MaxCount} may be");
        }

        AppendPlain(operation);
        if (!isMarked)
        {
            marks.Numbers.Add(mark.Number);
            marks.IsChanged = true;
        }
    }

    /// <summary>A mark that goes; whether it was there. Of another owner's it takes none.</summary>
    public bool ClearMark(in Mark mark)
    {
        StagedMarks marks = MarksOf(mark);
        bool was = marks.Numbers.Remove(mark.Number);
        marks.IsChanged |= was;
        return was;
    }

    private StagedMarks MarksOf(in Mark mark)
    {
        if (!_marks.TryGetValue((mark.Stream, mark.Key), out StagedMarks? marks))
        {
            ReadOnlyMemory<byte> value = LocalRows.Register(_db, mark.Stream, mark.Key)?.Value ?? default;
            marks = new StagedMarks(MarkedNumbers.Of(mark.Owner, value));
            _marks.Add((mark.Stream, mark.Key), marks);
        }
        else if (marks.Numbers.Owner != mark.Owner)
        {
            marks = new StagedMarks(new MarkedNumbers(mark.Owner)) { IsChanged = true };
            _marks[(mark.Stream, mark.Key)] = marks;
        }

        return marks;
    }

    // Once for all marks of the transaction.
    private void WriteMarks()
    {
        foreach (((StreamPath stream, string key), StagedMarks marks) in _marks)
        {
            if (marks.IsChanged)
            {
                Write(stream, new RegisterFact(key, _clock.Next(), marks.Numbers.Write()));
            }
        }
    }

    private bool Write(StreamPath stream, RegisterFact fact)
    {
        RegisterFact? kept = LocalRows.Register(_db, stream, fact.Key);
        RegisterFact joined = kept is { } old ? RegisterFact.Join(old, fact) : fact;
        if (kept is { } same && same.At == joined.At && same.Value.Span.SequenceEqual(joined.Value.Span))
        {
            return false;
        }

        _db.Use("INSERT INTO registers(stream, key, at, cluster, value) VALUES(?1, ?2, ?3, ?4, ?5)"
                + " ON CONFLICT(stream, key) DO UPDATE SET at=?3, cluster=?4, value=?5")
            .Bind(1, stream.Value).Bind(2, joined.Key).Bind(3, unchecked((long)joined.At.Value)).Bind(4, joined.At.Cluster.Value)
            .Bind(5, joined.Value.Span).Run();
        _clock.Observe(joined.At);
        _changed.Add(stream);
        if (fact.Key == StreamSettings.RegisterKey)
        {
            _settings[stream] = StreamSettings.TryRead(joined.Value, out StreamSettings? settings) ? settings : null;
        }

        return true;
    }
}
