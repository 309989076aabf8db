using Streams.Core;

namespace Streams.Geo;

/// <summary>Link start and heads: what the sender holds, what is wanted of it, and whether this cluster is level with it.</summary>
internal sealed partial class LinkReceiver
{
    private readonly HashSet<int> _behind = [];
    private List<LaneHead>? _holds;
    private int _holdsSent;
    private int _wanted;
    private bool _listed;
    private long _headsSequence;
    private long _joinsAsked;
    private long _joinsDone;
    private long _stateEnds = -1;

    /// <summary>Whether all that the sender announced is flushed here, its state joined, and a first word about its heads has come (rule
    /// R15).</summary>
    public bool IsLevel
    {
        get
        {
            if (_phase != Phase.Running || _headsSequence == 0 || _stateEnds < 0 || _joinsDone < _stateEnds)
            {
                return false;
            }

            // Lanes also come over other links: look again.
            _behind.RemoveWhere(number => OwnName.Next(_store, _lanes.Lane(number)).Value >= _lanes[number].Announced
                || (_lanes[number].Flags & SlotFlags.Refused) != 0);
            return _behind.Count == 0;
        }
    }

    /// <summary>Events announced and not yet flushed here.</summary>
    public long LagEvents
    {
        get
        {
            long lag = 0;
            foreach (int number in _behind)
            {
                lag += Math.Max(0, _lanes[number].AnnouncedOffset - (_store.Lane(_lanes.Lane(number))?.NextOffset.Value ?? 0));
            }

            return lag;
        }
    }

    /// <summary>Behind the last entry of the lane that the sender said it holds, or zero.</summary>
    public EntryNumber Announced(LaneId lane) => _lanes.Find(lane) is >= 0 and var at ? new EntryNumber(_lanes[at].Announced) : default;

    private void OnLanes(LanesFrame frame)
    {
        if (_listed || _lanes.Count + frame.Lanes.Count > LinkLimits.MaxLanes)
        {
            Close(_listed ? "protocol: lists lanes behind the end of the list" : $"lists more than {LinkLimits.MaxLanes} lanes",
                fault: true);
            return;
        }

        foreach (LaneHead head in frame.Lanes)
        {
            if (!Add(head.Lane))
            {
                return;
            }

            Announce(_lanes.Count - 1, head.Next, head.NextOffset);
        }

        _listed = frame.Last;
    }

    private void OnLane(LaneFrame frame)
    {
        if (frame.Number != _lanes.Count || _lanes.Count == LinkLimits.MaxLanes)
        {
            Close($"protocol: declares lane {frame.Number}, the next one is {_lanes.Count}", fault: true);
        }
        else if (Add(frame.Lane) && _store.Lane(frame.Lane) is not null)
        {
            AckLater(frame.Number); // says from where on it is wanted
        }
    }

    private bool Add(LaneId lane)
    {
        if (_lanes.Find(lane) >= 0)
        {
            Close($"protocol: names {lane} twice", fault: true);
            return false;
        }

        _lanes.Add(lane);
        return true;
    }

    private void OnHeads(HeadsFrame frame)
    {
        _headsSequence = frame.Sequence;
        foreach (LaneMark mark in frame.Marks)
        {
            if (mark.Number >= _lanes.Count)
            {
                Close($"protocol: speaks of lane {mark.Number}, {_lanes.Count} are declared", fault: true);
                return;
            }

            Announce(mark.Number, mark.Next, mark.NextOffset);
        }
    }

    private void Announce(int number, EntryNumber next, Offset nextOffset)
    {
        ref Slot slot = ref _lanes[number];
        slot.Announced = Math.Max(slot.Announced, next.Value);
        slot.AnnouncedOffset = Math.Max(slot.AnnouncedOffset, nextOffset.Value);
        LaneId lane = _lanes.Lane(number);
        if (OwnName.Next(_store, lane) < next)
        {
            _behind.Add(number);
        }

        if (!IsProbe && OwnName.ReasonToOpen(_store, Self, _peer, new LaneHead(lane, default, next, nextOffset)) is { } reason)
        {
            Open(reason, lane.Origin.Incarnation);
        }
    }

    private SendFrame? NextAnswer()
    {
        if (_phase != Phase.Listing)
        {
            return null;
        }

        if (_wanted < _lanes.Count)
        {
            LaneWant[] wants = new LaneWant[Math.Min(LinkLimits.LanesPerFrame, _lanes.Count - _wanted)];
            for (int i = 0; i < wants.Length; i++)
            {
                LaneStatus? status = _store.Lane(_lanes.Lane(_wanted + i));
                wants[i] = status is { } s ? new LaneWant(s.NextEntry, s.NextOffset) : default;
            }

            _wanted += wants.Length;
            return new SendFrame(new WantsFrame(_wanted - wants.Length, wants));
        }

        return _listed ? NextHolds() : null;
    }

    /// <summary>Lanes of the sender's own name of which more is here than it listed (rule R14); behind the last of them entries may
    /// come.</summary>
    private SendFrame NextHolds()
    {
        if (_holds is null)
        {
            _holds = [];
            IReadOnlyList<LaneStatus> all = _store.Lanes();
            for (int i = 0; i < all.Count; i++)
            {
                LaneStatus status = all[i];
                if (status.Lane.Origin.Cluster == _peer.Cluster && status.NextEntry > Announced(status.Lane))
                {
                    _holds.Add(LaneHead.Of(status));
                }
            }
        }

        LaneHead[] part = [.. _holds.GetRange(_holdsSent, Math.Min(LinkLimits.LanesPerFrame, _holds.Count - _holdsSent))];
        _holdsSent += part.Length;
        bool last = _holdsSent == _holds.Count;
        if (last)
        {
            _holds = [];
            _phase = Phase.Running;
        }

        return new SendFrame(new HoldsFrame(part, last));
    }
}
