using Streams.Core;

namespace Streams.Gateways;

/// <summary>How a batch came through the gate.</summary>
public enum Release : byte
{
    /// <summary>All that it names was passed, or no route brings it here.</summary>
    None = 0,

    /// <summary>An incarnation that it names is closed and nothing more of it can come (rule R15).</summary>
    Closed = 1,

    /// <summary>Patience ran out (rule R15): its producer's events may be seen out of order.</summary>
    Patience = 2,
}

/// <summary>Decides whether a batch has to wait for other lanes (rules R5, R15), and keeps the clocks of patience.</summary>
/// <remarks>One clock for each awaited lane, started by the arrival of the first batch that waits for it and kept for those behind it:
/// a lane that is
/// never heard of again costs one patience, not one for each batch. It ends when all that was awaited of the lane has been
/// passed.</remarks>
internal sealed class AfterGate(IPartitionView view, TimeSpan patience)
{
    private readonly Dictionary<Origin, Wait> _waits = [];

    /// <summary>The next moment at which patience for a lane runs out, or <see langword="null"/>.</summary>
    public TimeSpan? NextDeadline(TimeSpan now)
    {
        TimeSpan? next = null;
        foreach (Wait wait in _waits.Values)
        {
            TimeSpan deadline = wait.Since + patience;
            if (deadline > now && (next is null || deadline < next))
            {
                next = deadline;
            }
        }

        return next;
    }

    /// <summary>Whether a batch may pass now; all lanes that it awaits get their clock, not only the first.</summary>
    public bool Passes(AfterVector after, LaneSet lanes, TimeSpan arrivedAt, TimeSpan now, out Release by)
    {
        by = Release.None;
        bool passes = true;
        foreach (EventPlace place in after.Places)
        {
            if (lanes.Position(place.Origin) > place.Offset || !view.Reaches(place.Origin.Cluster))
            {
                continue;
            }

            if (IsOver(place.Origin, lanes))
            {
                by = by == Release.None ? Release.Closed : by;
            }
            else if (now - Clock(place, lanes, arrivedAt) >= patience)
            {
                by = Release.Patience;
            }
            else
            {
                passes = false;
            }
        }

        return passes;
    }

    /// <summary>Forgets all clocks.</summary>
    public void Clear() => _waits.Clear();

    // Asked in this order: once nothing more can come, what is here is all there will be.
    private bool IsOver(Origin origin, LaneSet lanes) => view.IsExhausted(origin) && lanes.Position(origin) >= view.NextOffset(origin);

    private TimeSpan Clock(EventPlace place, LaneSet lanes, TimeSpan arrivedAt)
    {
        if (!_waits.TryGetValue(place.Origin, out Wait wait) || lanes.Position(place.Origin) > wait.UpTo)
        {
            wait = new Wait(arrivedAt, place.Offset);
        }

        _waits[place.Origin] = wait with { UpTo = Offset.Max(wait.UpTo, place.Offset) };
        return wait.Since;
    }

    private readonly record struct Wait(TimeSpan Since, Offset UpTo);
}
