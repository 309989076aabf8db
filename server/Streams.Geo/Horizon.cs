using Streams.Core;

namespace Streams.Geo;

/// <summary>What the horizon keeps over a restart.</summary>
/// <param name="Reach">The clusters whose lanes some route of links brings here, this one among them.</param>
/// <param name="Senders">Those of them that link here themselves.</param>
public sealed record HorizonMemory(IReadOnlyCollection<ClusterName> Reach, IReadOnlyCollection<ClusterName> Senders)
{
    /// <summary>Nothing known yet.</summary>
    public static readonly HorizonMemory Empty = new([], []);
}

/// <summary>What can still come over links; asked before a consumer is made to wait. Safe for use by many threads.</summary>
public sealed class Horizon
{
    private readonly Lock _gate = new();
    private readonly Lock _saving = new();
    private readonly ILaneHeads _store;
    private readonly TimeProvider _time;
    private readonly TimeSpan _grace;
    private readonly Action<HorizonMemory> _save;
    private readonly HashSet<ClusterName> _senders;
    private readonly long _started;

    /// <param name="store">What is held here.</param>
    /// <param name="known">What was kept before the restart.</param>
    /// <param name="save">Keeps what is known; called by <see cref="Keep"/>, by one thread at a time.</param>
    /// <param name="grace">For so long from now on unknown clusters count as reaching this one, and no lane as exhausted.</param>
    /// <param name="time">The clock.</param>
    public Horizon(ILaneHeads store, HorizonMemory known, Action<HorizonMemory> save, TimeSpan grace, TimeProvider time)
    {
        _store = store;
        _time = time;
        _grace = grace;
        _save = save;
        _senders = [.. known.Senders];
        _started = time.GetTimestamp();
        Reach = new ReachSet([store.Origin.Cluster, .. known.Reach, .. known.Senders]);
    }

    internal ReachSet Reach { get; }

    /// <summary>Called when more is known than before: it is to be kept, and the outgoing links have something to say.</summary>
    internal Action? Grew { get; set; }

    /// <summary>Whether a cluster is connected, all it announced is flushed here, and it does not hold more than the entries before this
    /// one of the lane. While nobody can say, none is.</summary>
    internal Func<ClusterName, LaneId, EntryNumber, bool>? IsLevelWithout { get; set; }

    private bool IsEarly => _time.GetElapsedTime(_started) < _grace;

    /// <summary>Whether some route of links brings lanes of this cluster here. A dependency on one that no route brings is left out (rule
    /// R19a)
    /// or released at once (rule R15).</summary>
    public bool Reaches(ClusterName origin) => Reach.Contains(origin) || IsEarly;

    /// <summary>Whether nothing more of this lane can arrive (rule R15): its incarnation is closed, every cluster that ever linked here
    /// is connected and
    /// level, and none has more of it. The caller sees to it that the session has passed all of it that is here.</summary>
    /// <remarks>Level is what neighbours have said of themselves; what still travels towards a neighbour is not seen.</remarks>
    public bool IsExhausted(LaneId lane)
    {
        if (IsEarly || _store.LatestIncarnation(lane.Origin.Cluster) is not { } latest || latest <= lane.Origin.Incarnation)
        {
            return false;
        }

        ClusterName[] senders;
        lock (_gate)
        {
            senders = [.. _senders];
        }

        EntryNumber here = OwnName.Next(_store, lane);
        foreach (ClusterName sender in senders)
        {
            if (IsLevelWithout?.Invoke(sender, lane, here) != true)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Forgets a cluster that will never link here again: lanes no longer wait for it.</summary>
    public void Forget(ClusterName sender)
    {
        bool forgotten;
        lock (_gate)
        {
            forgotten = _senders.Remove(sender);
        }

        if (forgotten)
        {
            Keep();
        }
    }

    /// <summary>Lanes of these clusters come here; when any is new, the outgoing links pass it on.</summary>
    internal void Learn(IReadOnlyList<ClusterName> names)
    {
        if (Reach.Add(names))
        {
            Grew?.Invoke();
        }
    }

    /// <summary>This cluster links here.</summary>
    internal void LearnSender(ClusterName sender)
    {
        lock (_gate)
        {
            if (!_senders.Add(sender))
            {
                return;
            }
        }

        Reach.Add([sender]);
        Grew?.Invoke();
    }

    /// <summary>Keeps what is known now.</summary>
    internal void Keep()
    {
        lock (_saving)
        {
            HorizonMemory memory;
            lock (_gate)
            {
                memory = new HorizonMemory(Reach.From(0, int.MaxValue), [.. _senders]);
            }

            _save(memory);
        }
    }
}
