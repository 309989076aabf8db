using Streams.Core;

namespace Streams.Client;

/// <summary>What has become of a staged event.</summary>
/// <param name="Partition">Its partition.</param>
/// <param name="Number">Its number in the stage.</param>
/// <param name="Sequence">The sequence that it got, or 0.</param>
/// <param name="Outcome">Why it was dropped; <see cref="PublishOutcome.Waiting"/> when it was not.</param>
internal readonly record struct StageChange(StreamPartition Partition, long Number, long Sequence, PublishOutcome Outcome);

/// <summary>What is kept of a publish.</summary>
internal enum Taken
{
    /// <summary>The event is stored.</summary>
    Stored,

    /// <summary>It is dropped, and the gap is stored.</summary>
    Dropped,

    /// <summary>There is no room: nothing is stored.</summary>
    Declined,

    /// <summary>Some room was made: once more with the next transaction.</summary>
    Later,
}

/// <summary>The events that have no sequence yet: they were never sent, so they may be dropped or replaced. An event gets its sequence,
/// in order and under the epoch of the opening that gives it (rule R7), when it is about to be sent; so sequences have no holes (R2), and
/// whatever has one may have been sent and is kept until a cluster holds it. Used by the writer's thread alone.</summary>
/// <remarks>Each drop is counted in a gap, in the transaction that drops. A gap stands where its first event stood, and becomes an event
/// when its turn comes. Failure: what a transaction did here is undone with it.</remarks>
internal sealed class Stage : IDisposable
{
    private static readonly byte[] ManyTopics = System.Text.Encoding.UTF8.GetBytes(EventGap.ManyTopics);

    private readonly OutboxTransaction _transaction;
    private readonly PartitionTable _partitions;
    private readonly ByteGate _gate;
    private readonly StageTables _tables;
    private readonly GapRows _gaps;
    private readonly AgeStore _ages;
    private readonly List<StageChange> _changes = [];
    private readonly long[] _dropped = new long[4];
    private readonly List<long> _expired = [];
    private StageTotals _totals;
    private StageTotals _before;
    private volatile bool _sending;
    private int _drops;
    private long _due;

    /// <summary>The stage of a database that has its tables.</summary>
    public Stage(OutboxTransaction transaction, PartitionTable partitions, ByteGate gate, TimeProvider time)
    {
        _transaction = transaction;
        _partitions = partitions;
        _gate = gate;
        _tables = new StageTables(transaction.Database, transaction.StageSeal);
        _gaps = new GapRows(transaction.Database);
        (long turn, long bytes, long ages) = _tables.Totals();
        _totals = new StageTotals(partitions.Rows.Sum(static r => r.Stage.Rows), bytes, ages, turn, _gaps.Bytes);
        _before = _totals;
        _ages = new AgeStore(transaction.Database, time, ages > 0 ? _tables.NextOpening(0) : 0);
    }

    private readonly record struct StageTotals(long Rows, long MayMakeRoom, long Ages, long Turn, long GapBytes);

    /// <summary>Events and gaps in the stage.</summary>
    public long Rows => _totals.Rows;

    /// <summary>Bytes that may make room.</summary>
    public long MayMakeRoom => _totals.MayMakeRoom;

    /// <summary>Bytes of gaps.</summary>
    public long GapBytes => _totals.GapBytes;

    /// <summary>Whether a session is open that sends.</summary>
    public bool IsSending
    {
        get => _sending;
        set => _sending = value;
    }

    /// <summary>Whether there is more to do than one transaction should.</summary>
    public bool HasMore { get; private set; }

    /// <summary>Milliseconds until something expires or the clock is to be kept, or <see langword="null"/>.</summary>
    public long? DueIn => _totals.Ages == 0 ? null : Math.Clamp(_due - _ages.Length, 0, AgeStore.KeepEvery);

    /// <summary>What the transaction has done to staged events, in order.</summary>
    public IReadOnlyList<StageChange> Changes => _changes;

    /// <summary>Bytes that the stage may write beside what is published.</summary>
    public long AsideBytes => _totals.Rows > 0 ? NumberBudget + (MostDrops * FileLimits.PageBytes) : 0;

    private long NumberBudget => _transaction.Limits.GroupBytes / 4;

    // Each may be on a page of its own, and in an index: a transaction must fit the journal.
    private int MostDrops => (int)Math.Clamp(_transaction.Limits.JournalPages / 8, 4, 256);

    /// <summary>Events that the transaction dropped for a reason.</summary>
    public long Dropped(GapReason reason) => _dropped[(int)reason];

    /// <summary>A transaction begins.</summary>
    public void Begin()
    {
        _before = _totals;
        _changes.Clear();
        Array.Clear(_dropped);
        _drops = 0;
    }

    /// <summary>Writes what a partition has staged.</summary>
    public void Keep(PartitionRow row)
    {
        if (row.Stage != row.Before!.Value.Stage)
        {
            _tables.Keep(row);
        }
    }

    /// <summary>Writes the clock.</summary>
    public void Keep() => _ages.Keep();

    /// <summary>The transaction is committed.</summary>
    public void Committed() => _before = _totals;

    /// <summary>The transaction is undone, or could not begin.</summary>
    public void RollBack()
    {
        _totals = _before;
        _gaps.Bytes = _totals.GapBytes;
        _ages.RollBack();
        _due = 0;
        Begin();
    }

    /// <summary>Takes a publish: stages it, or gives it its sequence at once when nothing could be won by waiting.</summary>
    public Taken Take(PendingPublish publish)
    {
        PartitionRow row = _partitions.Row(publish.Partition);
        PublishTerms terms = publish.Terms;
        PlainEvent content = publish.Content;
        StagedRow replaced = default;
        long slot = 0;
        bool replaces = false;
        if (terms.Policy == OutboxPolicy.KeepLatestPerKey)
        {
            slot = _tables.SlotOf(row.Id, content.Topic.Span, content.Key.Span);
            replaces = row.Stage.Rows > 0 && _tables.TrySlot(slot, row.Id, content.Topic.Span, content.Key.Span, out replaced);
        }

        if (publish.Entry != GateEntry.Entered)
        {
            Taken room = publish.Entry == GateEntry.Refused ? Taken.Dropped
                : terms.Policy == OutboxPolicy.DropOldest ? MakeRoomFor(publish)
                : replaces && FitsInPlaceOf(replaced, publish) ? Taken.Stored : Taken.Declined;
            if (room == Taken.Dropped)
            {
                AddGap(row, content.Topic.Span, GapReason.Full, NextId(row), content.TimestampMicroseconds);
            }

            if (room != Taken.Stored)
            {
                return room;
            }
        }

        if (row.Stage.Rows == 0 && !(terms.MayGo && !IsNearSending(row, publish.Bytes)))
        {
            publish.Number(_transaction.Append(publish));
            return Taken.Stored;
        }

        if (replaces)
        {
            Drop(replaced, GapReason.Superseded);
        }

        StageIt(row, publish, slot);
        return Taken.Stored;
    }

    /// <summary>Events with a sequence could not be read, and were taken out: a gap behind what waits tells of them.</summary>
    public void TellDamaged(PartitionRow row, long events, long at) =>
        AddGap(row, ManyTopics, GapReason.Damaged, NextId(row), at, events);

    /// <summary>Before the transaction is committed: drops what has expired, makes room for who waits longest, and gives sequences when a
    /// session is open. <see cref="HasMore"/> tells whether something is left.</summary>
    public void Settle()
    {
        bool more = Expire();
        more |= MakeRoomForWaiting();
        HasMore = !more && IsSending && _totals.Rows > 0 ? Number() : more;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _tables.Dispose();
        _gaps.Dispose();
        _ages.Dispose();
    }

    private bool IsNearSending(PartitionRow row, long bytes) => IsSending && row.Bytes + bytes <= AheadOf(row);

    // All partitions together: what has a sequence cannot be dropped any more.
    private long AheadOf(PartitionRow row) => row.Events == 0 ? long.MaxValue : _transaction.Limits.AheadBytes / _partitions.RowCount;

    private void StageIt(PartitionRow row, PendingPublish publish, long slot)
    {
        PublishTerms terms = publish.Terms;
        long? turn = null;
        long? expires = null;
        if (terms.TimeToLive > 0)
        {
            _ages.Advance();
            _ages.Use(always: true);
            expires = _ages.Length + terms.TimeToLive;
            _due = _totals.Ages == 0 ? expires.Value : Math.Min(_due, expires.Value);
            _totals = _totals with { Ages = _totals.Ages + 1 };
        }

        if (terms.Policy == OutboxPolicy.DropOldest)
        {
            turn = _totals.Turn + 1;
            _totals = _totals with { Turn = turn.Value, MayMakeRoom = _totals.MayMakeRoom + publish.Bytes };
        }

        long id = NextId(row);
        _tables.Insert(id, publish, turn, terms.Policy == OutboxPolicy.KeepLatestPerKey ? slot : null, _ages.Opening, expires);
        Count(row, 1, publish.Bytes);
        _transaction.CountCame(publish);
        publish.Staged(new EventIdentity(_transaction.Producer, _transaction.Epoch, 0), OutboxDatabase.SequenceOf(id));
    }

    private long NextId(PartitionRow row)
    {
        _transaction.Touch(row);
        long number = row.Stage.Next;
        row.Stage = row.Stage with { Next = number + 1 };
        return OutboxDatabase.EventId(row.Id, number);
    }

    private void Count(PartitionRow row, long rows, long bytes)
    {
        _transaction.Touch(row);
        row.Stage = row.Stage with { Rows = row.Stage.Rows + rows, Bytes = row.Stage.Bytes + bytes };
        _totals = _totals with { Rows = _totals.Rows + rows };
    }

    private Taken MakeRoomFor(PendingPublish publish)
    {
        int before = _drops;
        while (!HasRoom(publish.Bytes, waits: false))
        {
            if (_drops - before >= MostDrops)
            {
                return Taken.Later;
            }

            if (!MayHaveRoom(publish.Bytes, waits: false) || !DropOldest())
            {
                return Taken.Dropped;
            }
        }

        return Taken.Stored;
    }

    private bool MakeRoomForWaiting()
    {
        int before = _drops;
        while (_totals.MayMakeRoom > 0 && _gate.FirstWaiting is > 0 and var wanted && !HasRoom(wanted, waits: true))
        {
            if (_drops - before >= MostDrops)
            {
                return true;
            }

            if (!MayHaveRoom(wanted, waits: true) || !DropOldest())
            {
                return false;
            }
        }

        return false;
    }

    private bool FitsInPlaceOf(in StagedRow replaced, PendingPublish publish)
    {
        if (HasRoom(publish.Bytes, waits: false))
        {
            return true;
        }

        return publish.Bytes <= replaced.Bytes && _transaction.UsedBytes + publish.Bytes <= _transaction.Limits.EventBytes;
    }

    private bool HasRoom(long bytes, bool waits)
    {
        _transaction.Measure();
        return _gate.HasRoom(bytes, waits, 0, _transaction);
    }

    // Whether dropping all that may go would be of use: else it stays.
    private bool MayHaveRoom(long bytes, bool waits) => _gate.HasRoom(bytes, waits, _totals.MayMakeRoom, _transaction);

    private bool DropOldest()
    {
        if (!_tables.TryOldest(out StagedRow oldest))
        {
            return false;
        }

        Drop(oldest, GapReason.Full);
        return true;
    }

    private bool Expire()
    {
        if (_totals.Ages == 0)
        {
            return false;
        }

        _ages.Advance();
        _ages.Use(always: false);
        if (_ages.Length < _due)
        {
            return false;
        }

        _due = _ages.Length < AgeClock.SettleAfter ? AgeClock.SettleAfter : long.MaxValue;
        for (long opening = _tables.NextOpening(0); opening > 0; opening = _tables.NextOpening(opening))
        {
            long elapsed = _ages.Elapsed(opening);
            _expired.Clear();
            _tables.Expired(opening, elapsed, MostDrops, _expired);
            foreach (long id in _expired)
            {
                _tables.TryGet(id, out StagedRow row);
                Drop(row, GapReason.Expired);
            }

            if (_expired.Count == MostDrops)
            {
                _due = 0;
                return true;
            }

            if (_tables.Soonest(opening) is { } soonest)
            {
                _due = Math.Min(_due, _ages.Length + (soonest - elapsed));
            }
        }

        return false;
    }

    private void Drop(in StagedRow row, GapReason reason)
    {
        PartitionRow partition = _partitions.Row(row.Id >> OutboxDatabase.SequenceBits);
        _tables.Delete(row.Id);
        Count(partition, -1, -row.Bytes);
        _totals = _totals with
        {
            MayMakeRoom = _totals.MayMakeRoom - (row.MayMakeRoom ? row.Bytes : 0),
            Ages = _totals.Ages - (row.Ages ? 1 : 0),
        };
        _transaction.CountLeft(1, row.Bytes);
        _drops++;
        _changes.Add(new StageChange(partition.Partition, OutboxDatabase.SequenceOf(row.Id), 0, reason switch
        {
            GapReason.Full => PublishOutcome.Dropped,
            GapReason.Expired => PublishOutcome.Expired,
            _ => PublishOutcome.Superseded,
        }));
        AddGap(partition, row.Topic, reason, row.Id, row.At);
    }

    // One gap for each partition, topic and reason; when all gaps together take their share of the cap, one for each partition and reason.
    private void AddGap(PartitionRow partition, ReadOnlySpan<byte> topic, GapReason reason, long id, long at, long events = 1)
    {
        _dropped[(int)reason] += events;
        if (_gaps.TryFind(partition.Id, reason, topic, out GapRow gap))
        {
            _gaps.Grow(gap, id, at, events);
            return;
        }

        gap = new GapRow(id, reason, events, at, at, topic.ToArray());
        if (_gaps.Bytes + gap.Bytes > _transaction.Limits.GapBytes)
        {
            if (_gaps.TryFind(partition.Id, reason, ManyTopics, out GapRow many))
            {
                _gaps.Grow(many, id, at, events);
                return;
            }

            gap = gap with { Topic = ManyTopics };
        }

        _gaps.Insert(gap);
        Count(partition, 1, gap.Bytes);
        _totals = _totals with { GapBytes = _gaps.Bytes };
        _transaction.CountLeft(-1, -gap.Bytes);
    }

    // True when a transaction's share is used up and more could be given.
    private bool Number()
    {
        long budget = NumberBudget;
        foreach (PartitionRow row in _partitions.Rows)
        {
            bool hasGap = row.Stage.Rows > 0 && _gaps.TryNext(row.Id, out _);
            while (row.Stage.Rows > 0)
            {
                bool hasEvent = _tables.TryFirst(row.Id, out StagedRow first);
                GapRow gap = default;
                bool takesGap = hasGap && (hasGap = _gaps.TryNext(row.Id, out gap)) && (!hasEvent || gap.Id < first.Id);
                long bytes = takesGap ? gap.Bytes : first.Bytes;
                if (row.Bytes + bytes > AheadOf(row))
                {
                    break;
                }

                if (bytes > budget && budget < NumberBudget)
                {
                    return true;
                }

                budget -= bytes;
                if (takesGap)
                {
                    Number(row, gap);
                }
                else
                {
                    Number(row, first);
                }
            }
        }

        return false;
    }

    private void Number(PartitionRow row, in StagedRow first)
    {
        Count(row, -1, -first.Bytes);
        _totals = _totals with
        {
            MayMakeRoom = _totals.MayMakeRoom - (first.MayMakeRoom ? first.Bytes : 0),
            Ages = _totals.Ages - (first.Ages ? 1 : 0),
        };
        long sequence = _transaction.NextSequence(row, first.Bytes);
        _tables.Move(first.Id, OutboxDatabase.EventId(row.Id, sequence), _transaction.Epoch);
        _changes.Add(new StageChange(row.Partition, OutboxDatabase.SequenceOf(first.Id), sequence, PublishOutcome.Waiting));
    }

    private void Number(PartitionRow row, in GapRow gap)
    {
        Count(row, -1, -gap.Bytes);
        long sequence = _transaction.NextSequence(row, gap.Bytes);
        _gaps.Delete(gap);
        _totals = _totals with { GapBytes = _gaps.Bytes };
        _tables.Move(gap, OutboxDatabase.EventId(row.Id, sequence), _transaction.Epoch);
    }
}
