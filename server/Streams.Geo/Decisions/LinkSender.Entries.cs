using Streams.Core;

namespace Streams.Geo;

/// <summary>Entries: whose turn it is, what is offered and what is not (rules R12, R13), and what the receiver has said of it.</summary>
internal sealed partial class LinkSender
{
    private readonly Queue<int> _ready = new();
    private readonly Queue<int> _dirty = new();
    private readonly Queue<(int Number, long Entry, long AppendedAt)> _inFlight = new();
    private long _granted;
    private long _spent;
    private long _level;
    private bool _headsSent;
    private long _lagEvents;
    private bool _reading;

    /// <summary>Entries sent.</summary>
    public long EntriesSent { get; private set; }

    /// <summary>Entries sent though the path names the receiver, because it had asked (rule R13).</summary>
    public long EntriesAskedOnPath { get; private set; }

    /// <summary>Entries not offered because the path names the receiver.</summary>
    public long EntriesOnPath { get; private set; }

    /// <summary>Events of the lanes fed by this link that the receiver does not hold yet. Entries not yet looked at count as to be
    /// offered.</summary>
    public long LagEvents => _lagEvents;

    /// <summary>When the oldest entry sent and not acknowledged was appended, in microseconds since 1970.</summary>
    public long? OldestUnacknowledged
    {
        get
        {
            long oldest = long.MaxValue;
            foreach ((int number, long entry, long appendedAt) in _inFlight)
            {
                ref SentLane slot = ref _lanes[number];
                bool waits = slot.Acked <= entry && (slot.Flags & SentLaneFlags.Fed) != 0;
                oldest = waits && appendedAt < oldest ? appendedAt : oldest;
            }

            return oldest == long.MaxValue ? null : oldest;
        }
    }

    public void Refresh()
    {
        if (_phase == Phase.Running)
        {
            LookAtLanes();
        }
    }

    public void Refresh(LaneId lane)
    {
        if (_phase == Phase.Running && _store.Lane(lane) is { } status)
        {
            LookAt(status);
        }
    }

    private void LookAtLanes()
    {
        IReadOnlyList<LaneStatus> all = _store.Lanes();
        for (int i = 0; i < all.Count; i++)
        {
            LaneStatus status = all[i];
            if (_settings.Probe && status.Lane.Origin != Self)
            {
                continue;
            }

            if (!LookAt(status))
            {
                return;
            }
        }
    }

    /// <summary>Takes note of a lane that may have grown.</summary>
    private bool LookAt(in LaneStatus status)
    {
        int number = _lanes.Find(status.Lane);
        if (number < 0)
        {
            if (_lanes.Count == LinkLimits.MaxLanes)
            {
                Close($"more than {LinkLimits.MaxLanes} lanes: more than a link carries", fault: true);
                return false;
            }

            number = _lanes.Add(status.Lane);
        }

        ref SentLane slot = ref _lanes[number];
        if (status.NextEntry.Value > slot.Head)
        {
            Change(ref slot, status);
            MarkDirty(number);
            MarkReady(number);
        }

        return true;
    }

    /// <summary>State comes before entries; and once more behind them, for a gap that was just met asks for it.</summary>
    private LinkAction? NextOfRunning() => NextReach() ?? NextLanesOrHeads() ?? NextFetch() ?? _serving.Next() ?? NextState() ?? NextRead()
        ?? NextState();

    private SendFrame? NextLanesOrHeads()
    {
        if (_declared < _lanes.Count)
        {
            _headsSent = false; // what is level is told by heads: they follow, though none may have changed
            return ListLanes();
        }

        if (_dirty.Count == 0 && _headsSent)
        {
            return null;
        }

        _headsSent = true;
        return new SendFrame(NextHeads());
    }

    private HeadsFrame NextHeads()
    {
        LaneMark[] marks = new LaneMark[Math.Min(_dirty.Count, LinkLimits.LanesPerFrame)];
        long sequence = ++_memory.HeadsSequence;
        for (int i = 0; i < marks.Length; i++)
        {
            int number = _dirty.Dequeue();
            ref SentLane slot = ref _lanes[number];
            slot.Flags &= ~SentLaneFlags.Dirty;
            (slot.Told, slot.ToldIn) = (slot.Head, sequence);
            marks[i] = new LaneMark(number, new EntryNumber(slot.Head), new Offset(slot.HeadOffset));
        }

        return new HeadsFrame(sequence, marks);
    }

    private ReadLane? NextRead()
    {
        while (!_reading && _ready.Count > 0 && _granted > _spent && _inFlight.Count < LinkLimits.MaxInFlight)
        {
            int number = _ready.Dequeue();
            ref SentLane slot = ref _lanes[number];
            slot.Flags &= ~SentLaneFlags.Ready;
            if (slot.Pos >= slot.Head
                || (slot.Flags & (SentLaneFlags.Fed | SentLaneFlags.Gap | SentLaneFlags.Refused)) != SentLaneFlags.Fed)
            {
                continue;
            }

            LaneId lane = _lanes.Lane(number);
            if (_store.Lane(lane) is not { } status)
            {
                Drop(ref slot);
            }
            else if (slot.Pos < status.FirstEntry.Value)
            {
                AddGap(number, status);
            }
            else
            {
                _reading = true;
                return new ReadLane(number, lane, new EntryNumber(slot.Pos), (int)Math.Min(_settings.SliceBytes, _granted - _spent));
            }
        }

        return null;
    }

    public void OnRead(ReadLane request, IReadOnlyList<LaneEntry> entries, List<LinkFrame> frames)
    {
        if (request.Number < 0)
        {
            _serving.OnRead(request, entries, frames);
            return;
        }

        _reading = false;
        ref SentLane slot = ref _lanes[request.Number];
        for (int i = 0; i < entries.Count && _granted > _spent && _inFlight.Count < LinkLimits.MaxInFlight; i++)
        {
            LaneEntry entry = entries[i];
            if (_phase != Phase.Running || (slot.Flags & (SentLaneFlags.Fed | SentLaneFlags.Refused)) != SentLaneFlags.Fed
                || entry.Number.Value != slot.Pos)
            {
                break; // asked to begin elsewhere, or not to send it, while this was read
            }

            Offer(request.Number, ref slot, entry, frames);
        }

        if (entries.Count > 0)
        {
            MarkReady(request.Number);
        }
    }

    /// <summary>The rule of offering (R12, R13): what has passed the receiver's incarnation is not offered, unless it has asked.</summary>
    private void Offer(int number, ref SentLane slot, LaneEntry entry, List<LinkFrame> frames)
    {
        bool offered = _rule(entry.Path, _peer, entry.Number.Value < slot.Asked);
        _lagEvents -= slot.LagEvents;
        slot.Pos++;
        slot.PosOffset = entry.NextOffset.Value;
        if (!offered)
        {
            EntriesOnPath++;
            if (slot.Acked >= slot.Sent)
            {
                slot.Acked = Math.Max(slot.Acked, slot.Pos);
                slot.AckedOffset = Math.Max(slot.AckedOffset, slot.PosOffset);
            }
        }
        else
        {
            EntriesAskedOnPath += entry.Path.Contains(_peer) ? 1 : 0;
            EntriesSent++;
            slot.Sent = slot.Pos;
            _spent += LinkLimits.CostOf(entry);
            _inFlight.Enqueue((number, entry.Number.Value, entry.AppendedAt));
            frames.Add(new EntryFrame(number, entry));
        }

        _lagEvents += slot.LagEvents;
    }

    private void OnAck(AckFrame ack)
    {
        _granted = Math.Max(_granted, ack.Credit);
        _level = Math.Max(_level, ack.Level);
        foreach (LaneMark mark in ack.Marks)
        {
            if (mark.Number >= _declared)
            {
                Close($"protocol: acknowledges lane {mark.Number}, {_declared} are declared", fault: true);
                return;
            }

            ref SentLane slot = ref _lanes[mark.Number];
            _lagEvents -= slot.LagEvents;
            if (mark.Next.Value > slot.Pos)
            {
                // The receiver has it from elsewhere: what it has need not be sent.
                slot.Pos = mark.Next.Value;
                slot.PosOffset = mark.NextOffset.Value;
            }

            // All that was sent is there, so what lies between that and the position was not offered.
            bool all = mark.Next.Value >= slot.Sent;
            slot.Acked = Math.Max(slot.Acked, all ? slot.Pos : mark.Next.Value);
            slot.AckedOffset = Math.Max(slot.AckedOffset, all ? slot.PosOffset : mark.NextOffset.Value);
            _lagEvents += slot.LagEvents;
        }

        ForgetAcknowledged();
    }

    private void ForgetAcknowledged()
    {
        while (_inFlight.TryPeek(out (int Number, long Entry, long AppendedAt) oldest)
            && (_lanes[oldest.Number].Acked > oldest.Entry
                || (_lanes[oldest.Number].Flags & (SentLaneFlags.Fed | SentLaneFlags.Refused)) != SentLaneFlags.Fed))
        {
            _inFlight.Dequeue();
        }
    }

    /// <summary>The receiver wants lanes over this link from an entry on, or no more. What is held of a lane at this moment counts as
    /// asked for: it goes out path or not (rule R13).</summary>
    private void OnFeed(FeedFrame feed)
    {
        foreach (LaneFeed wish in feed.Lanes)
        {
            if (wish.Number >= _declared)
            {
                Close($"protocol: wants lane {wish.Number}, {_declared} are declared", fault: true);
                return;
            }

            ref SentLane slot = ref _lanes[wish.Number];
            _lagEvents -= slot.LagEvents;
            slot.Flags &= ~SentLaneFlags.Fed;
            if (!wish.On)
            {
                continue;
            }

            if (_store.Lane(_lanes.Lane(wish.Number)) is { } status)
            {
                LookAt(status);
            }

            slot.Pos = slot.Acked = slot.Sent = wish.Next.Value;
            slot.PosOffset = slot.AckedOffset = wish.NextOffset.Value;
            slot.Asked = Math.Max(slot.Asked, slot.Head);
            slot.Flags |= SentLaneFlags.Fed;
            _lagEvents += slot.LagEvents;
            MarkReady(wish.Number);
        }

        ForgetAcknowledged();
    }

    /// <summary>Begins the lane again where the receiver wants it; what lies before the entry that was ahead goes out, path or not (rule
    /// R13).</summary>
    private void OnAsk(AskFrame ask)
    {
        ref SentLane slot = ref _lanes[ask.Number];
        _lagEvents -= slot.LagEvents;
        slot.Pos = slot.Sent = slot.Acked = ask.From.Value;
        slot.Asked = Math.Max(slot.Asked, Math.Min(ask.UpTo.Value, slot.Head));
        _lagEvents += slot.LagEvents;
        ForgetAcknowledged();
        _out.Enqueue(new Report(LinkEvent.Asked, $"{_peer.Cluster} asks for {_lanes.Lane(ask.Number)} from entry {ask.From} on"));
        MarkReady(ask.Number);
    }

    private void OnLaneRefused(LaneRefusedFrame refused)
    {
        ref SentLane slot = ref _lanes[refused.Number];
        Drop(ref slot);
        _out.Enqueue(new Report(LinkEvent.LaneRefused,
            $"{_peer.Cluster} takes no more of {_lanes.Lane(refused.Number)}: {refused.Reason}"));
        ForgetAcknowledged();
    }

    private void Drop(ref SentLane slot)
    {
        _lagEvents -= slot.LagEvents;
        slot.Flags |= SentLaneFlags.Refused;
    }

    private void Change(ref SentLane slot, in LaneStatus head)
    {
        _lagEvents -= slot.LagEvents;
        slot.Head = Math.Max(slot.Head, head.NextEntry.Value);
        slot.HeadOffset = Math.Max(slot.HeadOffset, head.NextOffset.Value);
        _lagEvents += slot.LagEvents;
    }

    private void MarkReady(int number)
    {
        ref SentLane slot = ref _lanes[number];
        const SentLaneFlags Asked = SentLaneFlags.Fed | SentLaneFlags.Ready | SentLaneFlags.Gap | SentLaneFlags.Refused;
        if (_phase == Phase.Running && number < _declared && slot.Pos < slot.Head && (slot.Flags & Asked) == SentLaneFlags.Fed)
        {
            slot.Flags |= SentLaneFlags.Ready;
            _ready.Enqueue(number);
        }
    }

    private void MarkDirty(int number)
    {
        ref SentLane slot = ref _lanes[number];
        if (_phase == Phase.Running && number < _declared && (slot.Flags & SentLaneFlags.Dirty) == 0)
        {
            slot.Flags |= SentLaneFlags.Dirty;
            _dirty.Enqueue(number);
        }
    }
}
