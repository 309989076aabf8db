using Streams.Core;

namespace Streams.Storage;

/// <summary>Entries that cannot be read, or are not here: which, since when, and from when on readers step over them.</summary>
public sealed partial class Container
{
    private const int MaxMoments = 10_000;

    private readonly Dictionary<(LaneId Lane, long Entry), long> _damagedSince = [];
    private readonly HashSet<(LaneId Lane, long Entry)> _givenUp = [];

    /// <summary>Entries of lanes that go on behind them and that cannot be read here, as far as that was found out; at most a thousand
    /// ranges. What was declared lost is in ranges of its own.</summary>
    public IReadOnlyList<DamagedRange> Damaged()
    {
        const int MaxRanges = 1000;
        List<DamagedRange> ranges = [];
        lock (_gate)
        {
            foreach (LaneState lane in _state.Damaged)
            {
                foreach ((long first, long last) in lane.Damaged)
                {
                    for (long from = first; from <= last && ranges.Count < MaxRanges;)
                    {
                        bool isLost = lane.IsLost(from);
                        long next = from + 1;
                        while (next <= last && lane.IsLost(next) == isLost)
                        {
                            next++;
                        }

                        ranges.Add(new DamagedRange(lane.Id, new EntryNumber(from), new EntryNumber(next), isLost));
                        from = next;
                    }
                }
            }
        }

        return ranges;
    }

    /// <summary>How many entries are declared lost here, and were not got back.</summary>
    public long LostEntries
    {
        get
        {
            long count = 0;
            lock (_gate)
            {
                foreach (LaneState lane in _state.Damaged)
                {
                    foreach ((long first, long last) in lane.Lost)
                    {
                        count += last + 1 - first;
                    }
                }
            }

            return count;
        }
    }

    /// <summary>Where a lane goes on behind an entry that was declared lost; <see langword="null"/> when it was not. May read a page of an
    /// index.</summary>
    /// <exception cref="InvalidFormatException">An index is damaged here.</exception>
    /// <exception cref="StorageFailedException">The disk refused to read.</exception>
    public LostRun? Lost(LaneId lane, EntryNumber entry)
    {
        long next;
        lock (_gate)
        {
            if (_state.Lanes.Find(lane) is not { } found || !found.IsLost(entry.Value))
            {
                return null;
            }

            (_, long last) = found.Lost.First(r => r.First <= entry.Value && entry.Value <= r.Last);
            next = last + 1;
        }

        return new LostRun(lane, entry, new EntryNumber(next), OffsetOf(lane, next));
    }

    /// <summary>Declares lost what of entries [<paramref name="first"/>, <paramref name="next"/>) is damaged or missing here: readers step
    /// over it at once, and links go on without it. In whole ranges, as <see cref="Damaged"/> gives them. It is still asked for, and taken
    /// when somebody has it. Completes when that is flushed.</summary>
    /// <returns>What is newly so.</returns>
    /// <exception cref="StorageFailedException">The disk refused.</exception>
    public async ValueTask<IReadOnlyList<LostRun>> DeclareLostAsync(LaneId lane, EntryNumber first, EntryNumber next, string why,
        CancellationToken cancellationToken)
    {
        IReadOnlyList<MissingRun> runs = await RunAsync(
            new DeclareLostOperation(lane, first.Value, next.Value) { Cost = SmallCost }, cancellationToken);
        List<LostRun> lost = new(runs.Count);
        foreach (MissingRun run in runs)
        {
            LostRun one = new(lane, new EntryNumber(run.First), new EntryNumber(run.Next), new Offset(run.NextOffset));
            lost.Add(one);
            StorageMeter.Lost.Add(run.Next - run.First);
            _logger.DeclaredLost(lane, run.First, run.Next - 1, one.NextOffset, why);
        }

        return lost;
    }

    /// <summary>The sender of a lane lost entries [<paramref name="first"/>, <paramref name="next"/>) and goes on behind them: the lane
    /// does so here too, at the same numbers and offsets. What is here of them stays, the rest is damage like any other: it is asked for.
    /// Completes when that is flushed.</summary>
    /// <exception cref="InvalidRequestException">More than a lane may lose at once.</exception>
    /// <exception cref="StorageFailedException">The disk refused.</exception>
    public async ValueTask<IngestResult> TakeOutAsync(LaneId lane, EntryNumber first, EntryNumber next, Offset nextOffset,
        CancellationToken cancellationToken)
    {
        if (next <= first || next - first > MissingRun.MaxEntries)
        {
            throw new InvalidRequestException($"{lane}: entries {first} to {next} are no run that a lane can go on without");
        }

        long before;
        lock (_gate)
        {
            before = _state.Lanes.Find(lane)?.NextEntry ?? 0;
            if (before < next.Value && _damagedSince.Count < MaxMoments)
            {
                _damagedSince[(lane, before)] = _time.GetTimestamp();
            }
        }

        IngestResult result = await RunAsync(
            new TakeOutOperation(lane, first.Value, next.Value, nextOffset.Value) { Cost = SmallCost }, cancellationToken);
        if (result.Outcome == IngestOutcome.Taken && before < next.Value)
        {
            _logger.LeftOut(lane, before, next.Value - 1, nextOffset);
        }

        return result;
    }

    private void NoteDamage(LaneId lane, long entry)
    {
        bool isNew = false;
        lock (_gate)
        {
            if (_state.Lanes.Find(lane) is { } found && entry >= found.FirstEntry)
            {
                isNew = !found.IsDamaged(entry);
                if (isNew)
                {
                    NoteMoment(found, entry);
                }

                found.NoteDamage(entry);
                _state.Damaged.Add(found);
            }
        }

        if (isNew)
        {
            _logger.EntryDamaged(lane, entry);
        }
    }

    // A run of damage is found out entry by entry, each when readers step over the one before: it began with the first.
    private void NoteMoment(LaneState lane, long entry)
    {
        if (_damagedSince.Count < MaxMoments)
        {
            long since = lane.IsDamaged(entry - 1) ? DamagedSince(lane, entry - 1) : _time.GetTimestamp();
            _damagedSince[(lane.Id, entry)] = since;
        }
    }

    // What was found when the container was opened has no moment of its own; a run that came as one has that of its beginning.
    private long DamagedSince(LaneState lane, long entry) => _damagedSince.TryGetValue((lane.Id, entry), out long since) ? since
        : _damagedSince.GetValueOrDefault((lane.Id, lane.DamageAround(entry).First), _openedAt);

    /// <summary>Whether an entry was declared lost, or has been damaged for so long that nobody is expected to give it back any more; then
    /// where its lane goes on.</summary>
    private bool IsGivenUp(LaneId lane, long entry, out Offset next)
    {
        next = default;
        long behind;
        bool isNews;
        lock (_gate)
        {
            if (_state.Lanes.Find(lane) is not { } found || !found.IsDamaged(entry))
            {
                return false;
            }

            bool isLost = found.IsLost(entry);
            if (!isLost && _time.GetElapsedTime(DamagedSince(found, entry)) < _options.DamagePatience)
            {
                return false;
            }

            behind = found.DamageAround(entry).Next;
            if (isLost)
            {
                behind = found.Lost.First(r => r.First <= entry && entry <= r.Last).Last + 1;
            }

            isNews = !isLost && _givenUp.Count < MaxMoments && _givenUp.Add((lane, entry));
        }

        next = OffsetOf(lane, behind);
        if (isNews)
        {
            _logger.DamageGivenUp(lane, entry, behind - 1, next, _options.DamagePatience);
        }

        return true;
    }

    // Where an entry begins, or the lane ends. Index files are read without the lock.
    private Offset OffsetOf(LaneId lane, long entry)
    {
        LanePart part;
        lock (_gate)
        {
            LaneState found = _state.Lanes.Find(lane)!;
            if (entry < found.FirstEntry || found.Parts == 0)
            {
                return new Offset(found.FirstOffset);    // retention took it meanwhile
            }

            if (entry >= found.NextEntry)
            {
                return new Offset(found.NextOffset);
            }

            if (found.Repaired is not null && found.Repaired.TryGetValue(entry, out EntryPlace elsewhere))
            {
                return new Offset(elsewhere.BaseOffset);
            }

            part = found.Part(found.PartOf(entry));
            if (part is MemoryPart)
            {
                return new Offset(part.Place((int)(entry - part.FirstEntry)).BaseOffset);
            }
        }

        return new Offset(part.Place((int)(entry - part.FirstEntry)).BaseOffset);
    }
}
