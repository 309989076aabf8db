using Streams.Core;

namespace Streams.Client;

/// <summary>One producer in one partition: what waits, what is under way in this session, and where earlier events stand.</summary>
/// <remarks>Pure: no I/O, no clock. Holds ranges, not events, so its size does not grow with the backlog.</remarks>
internal sealed class PartitionProducer(ProducerId producer, StreamPartition partition)
{
    private readonly SequenceRanges _waiting = new();
    private readonly SequenceRanges _tried = new();
    private readonly List<(long From, ulong Epoch)> _epochs = [];     // sequences from From on were given in Epoch
    private readonly List<(long First, long Last, int Limit)> _suspects = [];
    private (ulong Epoch, long Sequence) _predecessor;
    private long _sentUpTo;
    private long _highest;

    /// <summary>The partition.</summary>
    public StreamPartition Partition => partition;

    /// <summary>Where events of this producer are known to stand (rule R5).</summary>
    public StandVector Stand { get; } = new();

    /// <summary>The lowest sequence that waits, or 0.</summary>
    public long From => _waiting.Count == 0 ? 0 : _waiting.Ranges[0].First;

    /// <summary>Whether something waits that was not sent in this session.</summary>
    public bool HasUnsent => _waiting.Count > 0 && _waiting.Ranges[^1].Last > _sentUpTo;

    /// <summary>What waits, sent or not.</summary>
    public IReadOnlyList<(long First, long Last)> Waiting => _waiting.Ranges;

    /// <summary>What may stand somewhere without our knowing (rule R18).</summary>
    public IReadOnlyList<(long First, long Last)> Tried => _tried.Ranges;

    /// <summary>Events that got their sequences under <paramref name="epoch"/> wait from now on. Sequences only rise.</summary>
    public void Add(ulong epoch, long first, long last)
    {
        if (first <= _highest)
        {
            throw new InvalidOperationException($"{partition}: sequence {first} given again, {_highest} was given before");
        }

        _waiting.Add(first, last);
        _highest = last;
        if (_epochs.Count == 0 || _epochs[^1].Epoch != epoch)
        {
            _epochs.Add((first, epoch));
        }
    }

    /// <summary>What an outbox held when it was opened: any of it may have been sent before (rule R18).</summary>
    /// <param name="highest">The last sequence given in former lives.</param>
    /// <param name="waiting">What waits, in rising order.</param>
    public void Restore(long highest, IReadOnlyList<(ulong Epoch, long First, long Last)> waiting)
    {
        foreach ((ulong epoch, long first, long last) in waiting)
        {
            Add(epoch, first, last);
            _tried.Add(first, last);
        }

        _highest = Math.Max(_highest, highest);
    }

    /// <summary>The session is over: what was sent in it without an answer may stand there (rule R18) and is sent again in order (rule
    /// R2).</summary>
    public void EndSession()
    {
        foreach ((long first, long last) in _waiting.Ranges)
        {
            _tried.Add(first, Math.Min(last, _sentUpTo));
        }

        _sentUpTo = 0;
        _predecessor = default;
    }

    /// <summary>The next stretch to send: consecutive, of one epoch. The sender takes as much of its beginning as a batch
    /// holds.</summary>
    public bool TryNext(out EventIdentity first, out long last)
    {
        foreach ((long from, long to) in _waiting.Ranges)
        {
            if (to <= _sentUpTo)
            {
                continue;
            }

            long begin = Math.Max(from, _sentUpTo + 1);
            int epoch = EpochAt(begin);
            last = epoch + 1 < _epochs.Count ? Math.Min(to, _epochs[epoch + 1].From - 1) : to;
            last = Math.Min(last, Math.Min(SuspectLimit(begin, last), begin + EventLimits.MaxEvents - 1));
            first = new EventIdentity(producer, _epochs[epoch].Epoch, begin);
            return true;
        }

        first = default;
        last = 0;
        return false;
    }

    /// <summary>Decides the batch of the events from the one that <see cref="TryNext"/> gave up to <paramref name="last"/>: it counts
    /// as sent.</summary>
    public OutgoingBatch Send(long session, EventIdentity first, long last, Origin own)
    {
        OutgoingBatch batch = new(session, partition, first, last, _predecessor, Stand.After(own), Overlaps(_tried, first.Sequence, last));
        _predecessor = (first.Epoch, last);
        _sentUpTo = last;
        return batch;
    }

    /// <summary>A cluster holds these sequences of this epoch at consecutive offsets (<paramref name="placed"/>): what waits of them is
    /// confirmed (rule R7:
    /// all of producer, epoch, partition and sequence must be the same).</summary>
    /// <returns>Whether a run that is not ours stands there: the outbox was rolled back.</returns>
    public bool Confirm(ulong epoch, PlacedRun placed, List<ConfirmedRun> confirmed)
    {
        Stand.Raise(new EventPlace(placed.Origin, placed.FirstOffset + (placed.Last - placed.First)));
        bool foreign = placed.Last > _highest;
        for (int i = 0; i < _epochs.Count; i++)
        {
            long from = Math.Max(placed.First, _epochs[i].From);
            long to = Math.Min(placed.Last, i + 1 < _epochs.Count ? _epochs[i + 1].From - 1 : _highest);
            if (from <= to && _epochs[i].Epoch != epoch)
            {
                foreign |= Overlaps(_waiting, from, to);
            }
            else if (from <= to)
            {
                Take(epoch, placed, from, to, confirmed);
            }
        }

        ForgetEpochs();
        return foreign;
    }

    /// <summary>A permanent refusal. One event alone is parked: it waits no longer. Of more, the next session sends half as many at
    /// once, until the guilty ones stand alone.</summary>
    /// <returns>Whether the whole batch is parked.</returns>
    public bool Refuse(OutgoingBatch batch, bool allAlike)
    {
        long first = batch.First.Sequence;
        _suspects.RemoveAll(s => s.First >= first && s.Last <= batch.Last);
        if (batch.Count > 1 && !allAlike)
        {
            _suspects.Add((first, batch.Last, (batch.Count + 1) / 2));
            return false;
        }

        _waiting.Remove(first, batch.Last);
        _tried.Remove(first, batch.Last);
        ForgetEpochs();
        return true;
    }

    /// <summary>These wait no longer: they cannot be read. Not sent in this session.</summary>
    public void GiveUp(long first, long last)
    {
        _waiting.Remove(first, last);
        _tried.Remove(first, last);
        ForgetEpochs();
    }

    private static bool Overlaps(SequenceRanges set, long first, long last)
    {
        foreach ((long from, long to) in set.Ranges)
        {
            if (from <= last && to >= first)
            {
                return true;
            }
        }

        return false;
    }

    private void Take(ulong epoch, PlacedRun placed, long from, long to, List<ConfirmedRun> confirmed)
    {
        int before = confirmed.Count;
        foreach ((long first, long last) in _waiting.Ranges)
        {
            long f = Math.Max(first, from);
            long l = Math.Min(last, to);
            if (f <= l)
            {
                confirmed.Add(new ConfirmedRun(partition, epoch,
                    new PlacedRun(f, l, placed.Origin, placed.FirstOffset + (f - placed.First))));
            }
        }

        for (int i = before; i < confirmed.Count; i++)
        {
            _waiting.Remove(confirmed[i].Placed.First, confirmed[i].Placed.Last);
            _tried.Remove(confirmed[i].Placed.First, confirmed[i].Placed.Last);
        }
    }

    private int EpochAt(long sequence)
    {
        int at = _epochs.Count - 1;
        while (at > 0 && _epochs[at].From > sequence)
        {
            at--;
        }

        return at;
    }

    private long SuspectLimit(long first, long last)
    {
        foreach ((long from, long to, int limit) in _suspects)
        {
            last = first >= from && first <= to ? Math.Min(last, Math.Min(to, first + limit - 1))
                : from > first ? Math.Min(last, from - 1) : last;
        }

        return last;
    }

    private void ForgetEpochs()
    {
        long from = From == 0 ? _highest : From;
        while (_epochs.Count > 1 && _epochs[1].From <= from)
        {
            _epochs.RemoveAt(0);
        }

        _suspects.RemoveAll(s => s.Last < from || _waiting.Count == 0);
    }
}
