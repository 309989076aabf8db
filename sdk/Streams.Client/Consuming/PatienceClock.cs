using Streams.Core;

namespace Streams.Client;

/// <summary>A lane that events wait for.</summary>
internal sealed class AwaitedLane(Origin origin, long since)
{
    /// <summary>The lane.</summary>
    public Origin Origin => origin;

    /// <summary>When the first of them arrived: milliseconds since 1970.</summary>
    public long Since => since;

    /// <summary>The highest offset that was waited for.</summary>
    public long UpTo { get; set; }

    /// <summary>How many held events wait for it now.</summary>
    public int Waiters { get; set; }

    /// <summary>Whether patience ran out: nothing waits for it any longer until it has come up to <see cref="UpTo"/>.</summary>
    public bool Expired { get; set; }
}

/// <summary>How long an awaited lane was waited for, for keeping: patience must not begin anew with each reconnect (rule R15).</summary>
/// <param name="Origin">The lane.</param>
/// <param name="Since">Since when.</param>
/// <param name="UpTo">The highest offset waited for.</param>
/// <param name="Expired">Whether patience ran out.</param>
internal readonly record struct KeptWait(Origin Origin, long Since, long UpTo, bool Expired);

/// <summary>Patience (rules R15, R19c): runs for each awaited lane from the arrival of the first event that waits for it, not anew for
/// each event behind.</summary>
/// <remarks>Pure; time comes in as milliseconds since 1970.</remarks>
internal sealed class PatienceClock(long patienceMilliseconds)
{
    private readonly Dictionary<Origin, AwaitedLane> _lanes = [];

    /// <summary>Whether something changed that is to be kept.</summary>
    public bool IsChanged { get; private set; }

    /// <summary>When the next lane runs out of patience, or <see langword="null"/>.</summary>
    public long? Next
    {
        get
        {
            long? next = null;
            foreach (AwaitedLane lane in _lanes.Values)
            {
                next = !lane.Expired && patienceMilliseconds >= 0 ? Math.Min(next ?? long.MaxValue, lane.Since + patienceMilliseconds)
                    : next;
            }

            return next;
        }
    }

    /// <summary>Takes what was kept.</summary>
    public void Restore(KeptWait kept) =>
        _lanes[kept.Origin] = new AwaitedLane(kept.Origin, kept.Since) { UpTo = kept.UpTo, Expired = kept.Expired };

    /// <summary>What is to be kept.</summary>
    public List<KeptWait> Take()
    {
        IsChanged = false;
        return [.. _lanes.Values.Select(static l => new KeptWait(l.Origin, l.Since, l.UpTo, l.Expired))];
    }

    /// <summary>An event arrived that waits for this offset.</summary>
    public AwaitedLane Wait(Origin origin, long offset, long now)
    {
        if (!_lanes.TryGetValue(origin, out AwaitedLane? lane))
        {
            lane = new AwaitedLane(origin, now);
            _lanes.Add(origin, lane);
            IsChanged = true;
        }

        lane.UpTo = Math.Max(lane.UpTo, offset);
        lane.Waiters++;
        return lane;
    }

    /// <summary>One event waits no longer.</summary>
    public void Leave(AwaitedLane lane)
    {
        if (--lane.Waiters == 0 && !lane.Expired)
        {
            Drop(lane);
        }
    }

    /// <summary>Whether patience with this lane ran out.</summary>
    public bool HasExpired(Origin origin) => _lanes.Count > 0 && _lanes.TryGetValue(origin, out AwaitedLane? lane) && lane.Expired;

    /// <summary>A lane has been received up to <paramref name="received"/>: a wait that it answers is over.</summary>
    public void Received(Origin origin, long received)
    {
        if (_lanes.Count > 0 && _lanes.TryGetValue(origin, out AwaitedLane? lane) && received > lane.UpTo)
        {
            Drop(lane);
        }
    }

    /// <summary>The session ends: what is held is forgotten and comes again; the waits go on meanwhile.</summary>
    public void EndSession()
    {
        foreach (AwaitedLane lane in _lanes.Values)
        {
            lane.Waiters = 0;
        }
    }

    /// <summary>Adds to <paramref name="expired"/> the lanes whose patience has just run out.</summary>
    public void Tick(long now, List<Origin> expired)
    {
        foreach (AwaitedLane lane in _lanes.Values)
        {
            if (lane.Expired || patienceMilliseconds < 0 || now < lane.Since + patienceMilliseconds)
            {
                continue;
            }

            if (lane.Waiters == 0)
            {
                _lanes.Remove(lane.Origin);          // carried over and never taken up again
            }
            else
            {
                lane.Expired = true;
                expired.Add(lane.Origin);
            }

            IsChanged = true;
        }
    }

    private void Drop(AwaitedLane lane)
    {
        if (_lanes.TryGetValue(lane.Origin, out AwaitedLane? known) && ReferenceEquals(known, lane))
        {
            _lanes.Remove(lane.Origin);
            IsChanged = true;
        }
    }
}
