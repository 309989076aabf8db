using Streams.Core;

namespace Streams.Geo;

/// <summary>When entries that are damaged or missing here are lost (decision 0026): when every neighbour known was asked and has none of
/// them, after a grace; or after a limit, whoever could not be asked.</summary>
/// <remarks>Pure. Not safe for several threads. What it knows of neighbours may be old: lost entries are asked for all the same.</remarks>
internal sealed class LossRule(TimeSpan grace, TimeSpan limit)
{
    private readonly Dictionary<(ClusterName Peer, LaneId Lane), SequenceRanges> _lacked = [];
    private readonly Dictionary<(LaneId Lane, EntryNumber First), TimeSpan> _since = [];

    /// <summary>A neighbour was asked for these entries and has none of them.</summary>
    public void Lacked(ClusterName peer, in DamagedRange range)
    {
        if (!_lacked.TryGetValue((peer, range.Lane), out SequenceRanges? ranges))
        {
            _lacked[(peer, range.Lane)] = ranges = new SequenceRanges();
        }

        ranges.Add(range.First.Value, range.Next.Value - 1);
    }

    /// <summary>What is to be declared lost now, and why.</summary>
    /// <param name="damaged">All that is damaged or missing here.</param>
    /// <param name="neighbours">All clusters that this one is linked with, or was since its start, in either direction.</param>
    /// <param name="now">Of a clock that never goes back.</param>
    public IReadOnlyList<(DamagedRange Range, string Why)> Decide(IReadOnlyList<DamagedRange> damaged,
        IReadOnlyCollection<ClusterName> neighbours, TimeSpan now)
    {
        Forget(damaged);
        List<(DamagedRange Range, string Why)> lost = [];
        foreach (DamagedRange range in damaged)
        {
            if (range.IsLost)
            {
                continue;
            }

            TimeSpan since = _since.GetValueOrDefault((range.Lane, range.First), now);
            _since[(range.Lane, range.First)] = since;
            if (now - since >= limit)
            {
                lost.Add((range, $"nobody gave them back for {limit}"));
            }
            else if (now - since >= grace && HaveAllAnswered(range, neighbours))
            {
                lost.Add((range, neighbours.Count == 0 ? "there is no neighbour to ask"
                    : $"no neighbour has them: {string.Join(", ", neighbours.Order())}"));
            }
        }

        return lost;
    }

    private bool HaveAllAnswered(in DamagedRange range, IReadOnlyCollection<ClusterName> neighbours)
    {
        foreach (ClusterName peer in neighbours)
        {
            if (!_lacked.TryGetValue((peer, range.Lane), out SequenceRanges? ranges)
                || !ranges.Covers(range.First.Value, range.Next.Value - 1))
            {
                return false;
            }
        }

        return true;
    }

    private void Forget(IReadOnlyList<DamagedRange> damaged)
    {
        HashSet<LaneId> lanes = [];
        HashSet<(LaneId Lane, EntryNumber First)> waiting = [];
        foreach (DamagedRange range in damaged)
        {
            lanes.Add(range.Lane);
            waiting.Add((range.Lane, range.First));
        }

        foreach ((ClusterName Peer, LaneId Lane) key in _lacked.Keys)
        {
            if (!lanes.Contains(key.Lane))
            {
                _lacked.Remove(key);
            }
        }

        foreach ((LaneId Lane, EntryNumber First) key in _since.Keys)
        {
            if (!waiting.Contains(key))
            {
                _since.Remove(key);
            }
        }
    }
}
