using Streams.Core;

namespace Streams.Geo;

/// <summary>Link start and heads: what the sender holds, what is wanted of it, and whether this cluster is level with it.</summary>
internal sealed partial class LinkReceiver
{
    private List<LaneHead>? _holds;
    private int _holdsSent;
    private bool _listed;
    private bool _headsCame;
    private long _joinsAsked;
    private long _joinsDone;
    private long _stateEnds = -1;

    /// <summary>Whether all that the sender announced is flushed here, its state joined, and a first word about its heads has come (rule
    /// R15).</summary>
    public bool IsLevel
    {
        get
        {
            return _phase == Phase.Running && _headsCame && _stateEnds >= 0 && _joinsDone >= _stateEnds && IsNothingBehind;
        }
    }

    /// <summary>Whether the sender is connected, all it announced is flushed here, and it does not hold more than <paramref name="here"/>
    /// of the lane (rule R15).</summary>
    public bool IsLevelWithout(LaneId lane, EntryNumber here) => IsLevel && Announced(lane) <= here;

    /// <summary>Behind the last entry of the lane that the sender said it holds, or zero.</summary>
    public EntryNumber Announced(LaneId lane) => _lanes.Find(lane) is >= 0 and var at ? new EntryNumber(_lanes[at].Announced) : default;

    private void OnLanes(LanesFrame frame)
    {
        ReceiverMemory memory = _memory!;
        if (_phase == Phase.Listing && frame.First == 0 && frame.Life != memory.Life)
        {
            // Nothing remembered, or something else: the whole list comes.
            memory.Begin(frame.Life);
            _lanes = memory.Lanes;
        }

        if (_listed == (_phase == Phase.Listing) || frame.Life != memory.Life || frame.First != _lanes.Count)
        {
            Close($"protocol: lists lanes from {frame.First} on, the next one is {_lanes.Count}", fault: true);
            return;
        }

        if (_lanes.Count + frame.Lanes.Count > LinkLimits.MaxLanes)
        {
            Close($"lists more than {LinkLimits.MaxLanes} lanes", fault: true);
            return;
        }

        memory.Streams.AddRange(frame.Streams);
        memory.Origins.AddRange(frame.Origins);
        foreach (ListedLane listed in frame.Lanes)
        {
            if (listed.Stream >= memory.Streams.Count || listed.Origin >= memory.Origins.Count)
            {
                Close($"protocol: lists a lane by names {listed.Stream} and {listed.Origin}, which it did not give", fault: true);
                return;
            }

            LaneId lane = new(new StreamPartition(memory.Streams[listed.Stream], listed.Partition), memory.Origins[listed.Origin]);
            if (_lanes.Find(lane) >= 0)
            {
                Close($"protocol: names {lane} twice", fault: true);
                return;
            }

            Announce(_lanes.Add(lane), listed.Next, listed.NextOffset);
        }

        _listed |= frame.Last;
    }

    private void OnHeads(HeadsFrame frame)
    {
        _headsCame = _phase == Phase.Running;
        _memory!.HeadsSequence = frame.Sequence;
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
        ref HeardLane slot = ref _lanes[number];
        slot.Announced = Math.Max(slot.Announced, next.Value);
        slot.AnnouncedOffset = Math.Max(slot.AnnouncedOffset, nextOffset.Value);
        LaneId lane = _lanes.Lane(number);
        if ((slot.Flags & HeardLaneFlags.Fed) != 0)
        {
            _shared.Feeds.Announced(lane, _link, slot.Announced, _now);
        }

        if (_phase == Phase.Running && !IsProbe && OwnName.Next(_store, lane) < next)
        {
            FallBehind(number);
        }

        if (!IsProbe && OwnName.ReasonToOpen(_store, Self, _peer, new LaneHead(lane, default, next, nextOffset)) is { } reason)
        {
            Open(reason, lane.Origin.Incarnation);
        }
    }

    /// <summary>The lists are answered. What the sender told in earlier sessions counts as told now.</summary>
    private void Run()
    {
        _phase = Phase.Running;
        for (int i = 0; i < _lanes.Count && !IsProbe && _phase == Phase.Running; i++)
        {
            Announce(i, new EntryNumber(_lanes[i].Announced), new Offset(_lanes[i].AnnouncedOffset));
        }
    }

    private SendFrame? NextAnswer() => _phase == Phase.Listing && _listed ? NextHolds() : null;

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
            Run();
        }

        return new SendFrame(new HoldsFrame(part, last));
    }
}
