using Streams.Core;

namespace Streams.Geo.Tests;

/// <summary>Entries that are damaged, or were never here though the lane goes on behind them.</summary>
public sealed partial class MemoryLaneStore
{
    private readonly HashSet<(LaneId Lane, long Entry)> _missing = [];
    private readonly HashSet<(LaneId Lane, long Entry)> _lost = [];

    public IReadOnlyList<DamagedRange> Damaged()
    {
        lock (_gate)
        {
            List<DamagedRange> ranges = [];
            foreach (var (lane, entry) in _damaged.OrderBy(d => d.Lane.ToString(), StringComparer.Ordinal).ThenBy(d => d.Entry))
            {
                DamagedRange one = new(lane, new(entry), new(entry + 1), _lost.Contains((lane, entry)));
                if (ranges.Count > 0 && ranges[^1] is var last && last.Lane == lane && last.Next == one.First && last.IsLost == one.IsLost)
                {
                    ranges[^1] = last with { Next = one.Next };
                }
                else
                {
                    ranges.Add(one);
                }
            }

            return ranges;
        }
    }

    public LostRun? Lost(LaneId lane, EntryNumber entry)
    {
        lock (_gate)
        {
            if (!_lost.Contains((lane, entry.Value)))
            {
                return null;
            }

            var next = entry.Value;
            while (_lost.Contains((lane, next)))
            {
                next++;
            }

            var found = _lanes[lane];
            return new LostRun(lane, entry, new(next), new(next < found.Head ? found[next].BaseOffset.Value : found.NextOffset));
        }
    }

    public ValueTask<IngestResult> TakeOutAsync(LaneId lane, EntryNumber first, EntryNumber next, Offset nextOffset,
        CancellationToken cancellationToken)
    {
        IngestResult result;
        lock (_gate)
        {
            var found = Get(lane);
            if (first.Value > found.Head)
            {
                return new(new IngestResult(IngestOutcome.Ahead, new(found.Head)));
            }

            if (next.Value > found.Head && nextOffset.Value < found.NextOffset)
            {
                Forks.Add($"{lane} lost up to {next} at {Origin}: offset {nextOffset}, not {found.NextOffset}");
                return new(new IngestResult(IngestOutcome.Fork, new(found.Head)));
            }

            // As it does on disk: where the run ends is known, and nothing between.
            while (found.Head < next.Value)
            {
                _damaged.Add((lane, found.Head));
                _missing.Add((lane, found.Head));
                found.Entries.Add(new LaneEntry
                {
                    Number = new(found.Head), Kind = EntryKind.Events, BaseOffset = new(found.NextOffset),
                    EventCount = found.Head + 1 < next.Value ? 0 : (int)(nextOffset.Value - found.NextOffset), AppendedAt = 0,
                    Path = ReplicationPath.StartingAt(lane.Origin), Body = default,
                });
            }

            found.Durable = found.Head;
            result = new IngestResult(IngestOutcome.Taken, new(found.Head));
        }

        Wake();
        return new(result);
    }

    public ValueTask<IReadOnlyList<LostRun>> DeclareLostAsync(LaneId lane, EntryNumber first, EntryNumber next, string why,
        CancellationToken cancellationToken)
    {
        List<LostRun> lost = [];
        lock (_gate)
        {
            foreach (var range in Damaged())
            {
                if (range.Lane == lane && !range.IsLost && range.First < next && first < range.Next)
                {
                    for (var entry = range.First.Value; entry < range.Next.Value; entry++)
                    {
                        _lost.Add((lane, entry));
                    }

                    lost.Add(Lost(lane, range.First)!.Value);
                    Declared.Add($"{lane.Origin.Cluster} {range.First}-{range.Next}: {why}");
                }
            }
        }

        return new(lost);
    }

    /// <summary>What was declared lost here, and why.</summary>
    public List<string> Declared { get; } = [];

    // What was damaged, or was not there, is taken if it fits between what is.
    private bool TakesBack(MemoryLane lane, LaneId id, LaneEntry entry)
    {
        var number = entry.Number.Value;
        if (!_damaged.Contains((id, number)))
        {
            return false;
        }

        if (_missing.Contains((id, number)))
        {
            var next = number + 1;
            while (_missing.Contains((id, next)))
            {
                next++;
            }

            var end = next < lane.Head ? lane[next].BaseOffset.Value : lane.NextOffset;
            var fits = entry.BaseOffset >= lane[number].BaseOffset
                && (next == number + 1 ? entry.NextOffset.Value == end : entry.NextOffset.Value <= end);
            if (!fits)
            {
                return true;
            }

            lane.Entries[(int)(number - lane.First)] = entry.PassedTo(Origin);
            Note(id, entry);
        }
        else if (!lane[number].Body.Span.SequenceEqual(entry.Body.Span))
        {
            return false;
        }

        _damaged.Remove((id, number));
        _missing.Remove((id, number));
        _lost.Remove((id, number));
        return true;
    }
}
