using Streams.Core;

namespace Streams.Storage;

/// <summary>What retention asks of a container: what may go, and that the space of what went is given back.</summary>
public sealed partial class Container
{
    private readonly SemaphoreSlim _reclaiming = new(1, 1);

    /// <summary>When the newest entry of the own lanes was written; <see langword="null"/> when there is none.</summary>
    public DateTimeOffset? NewestWritten()
    {
        long newest = long.MinValue;
        ClusterName own = Origin.Cluster;
        foreach (SegmentLanes segment in TakeSegments())
        {
            foreach (LaneRun run in segment.Runs)
            {
                newest = run.Lane.Id.Origin.Cluster == own && !run.IsRepaired ? Math.Max(newest, run.NewestAt) : newest;
            }
        }

        return newest == long.MinValue ? null : DateTimeOffset.UnixEpoch.AddTicks(newest * TimeSpan.TicksPerMicrosecond);
    }

    /// <summary>What may go now. Carry it out with <see cref="TrimAsync"/> for each lane. Costs nothing when all streams keep
    /// all.</summary>
    public RetentionPlan PlanRetention(RetentionRules rules)
    {
        Dictionary<StreamPath, StreamSettings> limited = [];
        foreach (StreamPath stream in Streams)
        {
            if (Settings(stream) is { KeepsAll: false } settings)
            {
                limited.Add(stream, settings);
            }
        }

        return RetentionPlan.Make(limited.Count == 0 ? [] : TakeSegments(), Origin.Cluster, limited, rules);
    }

    /// <summary>Ends the segment that is written, if anything is in it.</summary>
    /// <exception cref="StorageFailedException">The disk refused.</exception>
    public async ValueTask EndSegmentAsync(CancellationToken cancellationToken)
    {
        _log.WantEnd();
        await RunAsync(new TurnOperation { Cost = SmallCost }, cancellationToken);
    }

    /// <summary>Gives back the space of entries that went: deletes segments without a kept entry, and punches holes into those of which
    /// half is dead. Facts that only they told are written once more before, flushed. Reading and writing go on meanwhile.</summary>
    /// <param name="pace">Told how many bytes were read or written; waits as long as it wants the pass to wait.</param>
    /// <param name="cancellationToken">Ends the pass between two steps; nothing is lost.</param>
    /// <exception cref="StorageFailedException">The disk refused. What was not given back stays.</exception>
    public async ValueTask<ReclaimReport> ReclaimAsync(Func<long, CancellationToken, ValueTask> pace, CancellationToken cancellationToken)
    {
        await _reclaiming.WaitAsync(cancellationToken);
        try
        {
            return await _reclaimer.RunAsync(pace, cancellationToken);
        }
        finally
        {
            _reclaiming.Release();
        }
    }

    private IReadOnlyList<SegmentLanes> TakeSegments()
    {
        lock (_gate)
        {
            return _state.Segments.Take();
        }
    }

    private void ForgetSegment(long first)
    {
        lock (_gate)
        {
            _state.Segments.Forget(first);
        }
    }

    private async Task RestateAsync(IReadOnlyList<FactKey> facts, CancellationToken cancellationToken)
    {
        IReadOnlyList<StateItem> retained = await RetainedAmongAsync(facts, cancellationToken);
        await RunAsync(new RestateOperation(facts, retained) { Cost = facts.Sum(f => f.Cost) }, cancellationToken);
    }

    // Retention may take entries, and their bytes, between looking up where they stand and reading them: then they are not damaged but
    // gone, which is known by then. Who reads from an offset is given what is kept from there on.
    private async ValueTask<LaneSlice> ReadKeptAsync(LaneId lane, long first, EntryPlace[] places, Offset? again, int maxBytes,
        CancellationToken cancellationToken)
    {
        Offset givenUpTo = default;
        try
        {
            LaneSlice slice = await EntryReader.ReadAsync(_log, lane, first, places, NoteDamage, cancellationToken);
            if (again is not { } wanted || slice.Entries.Count == 0 || slice.Entries[^1].NextOffset > wanted)
            {
                return slice;
            }

            // Nothing of it reaches the offset: the event stood in what follows, should that be damaged.
            long next = slice.Entries[^1].Number.Value + 1;
            if (!IsDamaged(lane, next))
            {
                return slice;
            }

            slice.Dispose();
            return IsGivenUp(lane, next, out givenUpTo) ? await ReadAsync(lane, Offset.Max(givenUpTo, wanted), maxBytes, cancellationToken)
                : throw new InvalidFormatException($"{lane}: entry {next} is damaged in the log");
        }
        catch (StreamsException fault) when (fault is InvalidFormatException or StorageFailedException && IsGone(lane, first))
        {
            return again is { } from ? await ReadAsync(lane, from, maxBytes, cancellationToken) : LaneSlice.Empty;
        }
        catch (InvalidFormatException) when (again is not null && IsGivenUp(lane, first, out givenUpTo))
        {
            return await ReadAsync(lane, givenUpTo, maxBytes, cancellationToken);
        }
    }

    private bool IsDamaged(LaneId lane, long entry)
    {
        lock (_gate)
        {
            return _state.Lanes.Find(lane)?.IsDamaged(entry) ?? false;
        }
    }

    private bool IsGone(LaneId lane, long entry)
    {
        lock (_gate)
        {
            return _state.Lanes.Find(lane) is { } found && entry < found.FirstEntry;
        }
    }
}
