using Streams.Core;

namespace Streams.Gateways;

/// <summary>An event of a group, as it is found again.</summary>
/// <param name="Reading">The partition.</param>
/// <param name="Ticket">What the reader of the partition knows it by.</param>
/// <param name="Origin">The lane.</param>
/// <param name="Offset">The offset.</param>
/// <param name="Release">How its batch came through the gate.</param>
internal readonly record struct ShareEntry(PartitionReading Reading, long Ticket, Origin Origin, Offset Offset, Release Release);

/// <summary>Reads the partitions of one group, one slice of one lane at a time, for as long as somebody takes what it gives. Belongs to the
/// group's loop.</summary>
internal sealed class ShareReader : IDisposable
{
    private static readonly TimeSpan HorizonPeriod = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan KeepSlice = TimeSpan.FromSeconds(1);

    private readonly GatewayServices _services;
    private readonly ShareName _name;
    private readonly StreamReadings _streams;
    private readonly LaneFiller _filler;
    private readonly CursorCommitter _committer;
    private readonly Queue<PartitionReading> _queue = new();
    private readonly HashSet<PartitionReading> _waiting = [];
    private readonly Action _wake;
    private TimeSpan? _stalledSince;
    private TimeSpan? _horizonDue;
    private volatile bool _streamsChanged = true;

    public ShareReader(GatewayServices services, ShareName name, SessionSubscriptions subscriptions, Action wake)
    {
        _services = services;
        _name = name;
        _wake = wake;
        _streams = new StreamReadings(services, name, subscriptions, wake);
        _filler = new LaneFiller(services.Store, services.Options.ReadBytes, services.Meter, services.Log);
        _committer = new CursorCommitter(services, name, static (_, _) => { });
        services.Roster.Add(OnNewStreams);
    }

    /// <summary>Looks what is new.</summary>
    public void TakeNews(TimeSpan now)
    {
        if (_streamsChanged)
        {
            _streamsChanged = false;
            _streams.Cover();
        }

        foreach (PartitionReading partition in _streams.TakeNews())
        {
            Enqueue(partition);
        }

        if (_horizonDue <= now)
        {
            _horizonDue = null;
            foreach (PartitionReading partition in _waiting)
            {
                Enqueue(partition);
            }
        }
    }

    /// <summary>A member has an event for good.</summary>
    public void Confirm(in ShareEntry entry, TimeSpan now)
    {
        entry.Reading.Reader.Confirm(entry.Ticket);
        entry.Reading.GivenSinceCommit = true;
        _committer.Note(entry.Reading, now);
    }

    /// <summary>One slice of one lane of one partition; true when there is more to do at once. <paramref name="give"/> gives what can be
    /// given of the partition, and false when nobody takes more.</summary>
    public async ValueTask<bool> PumpAsync(Func<PartitionReading, TimeSpan, bool> give, TimeSpan now, CancellationToken cancellationToken)
    {
        if (!_queue.TryPeek(out PartitionReading? partition))
        {
            return false;
        }

        _stalledSince = null;
        bool filled = false;
        while (true)
        {
            if (!give(partition, now))
            {
                _committer.Note(partition, now);
                return false;
            }

            if (filled || !partition.Reader.TryWant(out Origin origin, out Offset from))
            {
                break;
            }

            filled = true;
            await _filler.FillAsync(new LaneId(partition.Partition, origin), from, Known(partition, origin), now, partition.Reader.Offer,
                partition.Reader.OfferGap, cancellationToken).ConfigureAwait(false);
        }

        _queue.Dequeue();
        partition.IsQueued = false;
        Leave(partition, now);
        if (filled)
        {
            Enqueue(partition);
        }

        return _queue.Count > 0;
    }

    /// <summary>Nobody takes anything: what was read ahead is let go after a while, and read again later.</summary>
    public void Stall(TimeSpan now)
    {
        _stalledSince ??= now;
        if (now - _stalledSince >= KeepSlice && _queue.TryPeek(out PartitionReading? stalled))
        {
            stalled.Reader.DropReadAhead();
        }
    }

    /// <summary>Commits what is due; gives when there is something to do again without news.</summary>
    public TimeSpan? Run(TimeSpan now)
    {
        TimeSpan? due = _committer.Run(now, _wake);
        if (_stalledSince is { } since && now - since < KeepSlice)
        {
            due = Earlier(due, since + KeepSlice);
        }

        if (_waiting.Count > 0)
        {
            _horizonDue ??= now + HorizonPeriod;
            foreach (PartitionReading partition in _waiting)
            {
                if (partition.Reader.NextDeadline(now) is { } deadline)
                {
                    _horizonDue = Earlier(_horizonDue, deadline);
                }
            }

            due = Earlier(due, _horizonDue!.Value);
        }

        return due;
    }

    /// <summary>Commits all that was confirmed.</summary>
    public Task FinishAsync(CancellationToken cancellationToken) => _committer.FinishAsync(_streams.Partitions, cancellationToken);

    /// <summary>Lets everything go.</summary>
    public void Dispose()
    {
        _services.Roster.Remove(OnNewStreams);
        _streams.Dispose();
    }

    private static Offset Known(PartitionReading partition, Origin origin)
    {
        foreach (LaneStatus status in partition.View.Seen)
        {
            if (status.Lane.Origin == origin)
            {
                return status.NextOffset;
            }
        }

        return Offset.Zero;
    }

    private void Leave(PartitionReading partition, TimeSpan now)
    {
        _committer.Note(partition, now);
        ReaderCounts before = partition.Reported;
        ReaderCounts counts = partition.Reader.Counts;
        if (counts.ReleasedByPatience > before.ReleasedByPatience)
        {
            GatewayLog.PatienceRanOut(_services.Log, _name.Text, partition.Partition.ToString());
        }

        if (counts.GapEvents > before.GapEvents)
        {
            GatewayLog.SteppedOverGap(_services.Log, _name.Text, counts.GapEvents - before.GapEvents, partition.Partition.ToString());
        }

        _services.Meter.Add(counts, ref partition.Reported);
        if (partition.Reader.IsWaiting)
        {
            _waiting.Add(partition);
        }
        else
        {
            _waiting.Remove(partition);
        }
    }

    private void Enqueue(PartitionReading partition)
    {
        if (!partition.IsQueued)
        {
            partition.IsQueued = true;
            _queue.Enqueue(partition);
        }
    }

    private void OnNewStreams()
    {
        _streamsChanged = true;
        _wake();
    }

    private static TimeSpan Earlier(TimeSpan? a, TimeSpan b) => a is { } known && known < b ? known : b;
}
