using System.Runtime.InteropServices;
using Streams.Core;

namespace Streams.Geo;

/// <summary>Entries, gaps and state: in which order they go to the store, and what is said of it afterwards.</summary>
internal sealed partial class LinkReceiver
{
    private readonly Dictionary<int, LaneWork> _work = [];
    private readonly Queue<int> _startable = new();
    private readonly Queue<int> _waitingForJoins = new();
    private readonly Queue<int> _ackDue = new();
    private readonly Queue<StateFrame> _joins = new();
    private readonly Queue<(long Joins, long Revision)> _stateRevisions = new();
    private int _operations;
    private bool _joining;
    private long _consumed;
    private long _consumedTold;

    /// <summary>Entries that came.</summary>
    public long EntriesReceived { get; private set; }

    /// <summary>Entries that came though they were here already: what another route or a repetition brought first.</summary>
    public long EntriesAlreadyHere { get; private set; }

    /// <summary>Entries that were not here when a gap was stepped over.</summary>
    public long GapEntries { get; private set; }

    /// <summary>Memory that waits for the store, as <see cref="LinkLimits.CostOf(LaneEntry)"/> counts it.</summary>
    public long BytesHeld { get; private set; }

    private void OnEntry(EntryFrame frame)
    {
        EntriesReceived++;
        _delivered = true;
        _lanes[frame.Number].Flags |= HeardLaneFlags.Moved;
        int cost = LinkLimits.CostOf(frame.Entry);
        if (!Hold(cost))
        {
            return;
        }

        ref LaneWork? work = ref CollectionsMarshal.GetValueRefOrAddDefault(_work, frame.Number, out _);
        work ??= new LaneWork();
        if ((_lanes[frame.Number].Flags & HeardLaneFlags.Refused) != 0 || work.Discards(frame.Entry.Number))
        {
            GiveBack(cost);
            ForgetIfIdle(frame.Number, work);
            return;
        }

        work.Add(frame.Entry, cost);
        Queue(frame.Number, work);
    }

    private void OnSkip(SkipFrame skip)
    {
        if (!IsFed(skip.Number))
        {
            return; // what this sender no longer keeps, the one that feeds the lane now may
        }

        _delivered = true;
        _lanes[skip.Number].Flags |= HeardLaneFlags.Moved;
        ref LaneWork? work = ref CollectionsMarshal.GetValueRefOrAddDefault(_work, skip.Number, out _);
        work ??= new LaneWork();
        work.Add(skip, _joinsAsked);
        Queue(skip.Number, work);
    }

    private void OnLost(LostFrame lost)
    {
        _delivered = true;
        _lanes[lost.Number].Flags |= HeardLaneFlags.Moved;
        if (!Hold(LinkLimits.CostOfLost))
        {
            return;
        }

        ref LaneWork? work = ref CollectionsMarshal.GetValueRefOrAddDefault(_work, lost.Number, out _);
        work ??= new LaneWork();
        if ((_lanes[lost.Number].Flags & HeardLaneFlags.Refused) != 0 || !IsFed(lost.Number) || lost.Next <= lost.First
            || work.Discards(lost.First))
        {
            GiveBack(LinkLimits.CostOfLost);             // what this sender lost, the one that feeds the lane now may have
            ForgetIfIdle(lost.Number, work);
            return;
        }

        work.Add(lost);
        Queue(lost.Number, work);
    }

    private void OnStateFrame(StateFrame frame)
    {
        _delivered = true;
        if (Hold(LinkLimits.CostOf(frame.Items)))
        {
            _joinsAsked++;
            _joins.Enqueue(frame);
        }
    }

    /// <summary>The sender may overdraw its credit by one frame, which it can not cut.</summary>
    private bool Hold(int cost)
    {
        BytesHeld += cost;
        bool allowed = BytesHeld <= _settings.CreditBytes + LinkLimits.MaxOverdraft;
        if (!allowed)
        {
            Close("protocol: sends more than its credit allows", fault: true);
        }

        return allowed;
    }

    private LinkAction? NextOperation()
    {
        if (!_joining && _joins.TryPeek(out StateFrame? state))
        {
            _joining = true;
            return new JoinState(state.Items);
        }

        while (_operations < LinkLimits.MaxOperations && _startable.TryDequeue(out int number))
        {
            LaneWork work = _work[number];
            work.Queued = false;
            if (!work.Busy && !IsFed(number))
            {
                DropGaps(work);
            }

            if (work.Busy || work.Next is not { } next)
            {
                ForgetIfIdle(number, work);
            }
            else if (next.Skip is not null && _joinsDone < next.Joins)
            {
                work.Queued = true;
                _waitingForJoins.Enqueue(number);
            }
            else
            {
                return Start(number, work);
            }
        }

        return (LinkAction?)_serving.Next() ?? (_damage.Next() is { } question ? new SendFrame(question) : null);
    }

    private LinkAction Start(int number, LaneWork work)
    {
        LaneStep step = work.Take();
        LaneId lane = _lanes.Lane(number);
        work.Busy = true;
        _operations++;
        if (step.Skip is { } skip)
        {
            GapEntries += Math.Max(0, skip.First.Value - OwnName.Next(_store, lane).Value);
            return new SkipLane(number, lane, skip.First, skip.FirstOffset);
        }

        if (step.Lost is { } lost)
        {
            return new TakeOutEntries(number, lane, lost.First, lost.Next, lost.NextOffset);
        }

        EntryNumber here = OwnName.Next(_store, lane);
        foreach (LaneEntry entry in step.Entries!)
        {
            EntriesAlreadyHere += entry.Number < here ? 1 : 0;
        }

        return new IngestEntries(number, lane, step.Entries);
    }

    public void OnIngested(IngestEntries request, IngestResult result)
    {
        if (_phase == Phase.Closed)
        {
            return;
        }

        if (request.Number == DamageAsking.Number)
        {
            _damage.OnStored(result.Outcome == IngestOutcome.Taken);
            return;
        }

        LaneWork work = Finish(request);
        if (result.Outcome == IngestOutcome.Fork)
        {
            Refuse(request.Number, work, "an entry differs from the one here with the same number: the lane has two histories");
        }
        else if (result.Outcome == IngestOutcome.Ahead)
        {
            AskAgain(request.Number, request.Entries[0].Number, work, result.Next);
        }

        AckLater(request.Number);
        Queue(request.Number, work);
        if (request.Lane.Origin.Cluster == Self.Cluster)
        {
            OpenIfLaterIsKnown();
        }
    }

    public void OnRefused(IngestEntries request, string reason)
    {
        if (_phase == Phase.Closed)
        {
            return;
        }

        if (request.Number == DamageAsking.Number)
        {
            _damage.OnStored(isTaken: false);
            return;
        }

        LaneWork work = Finish(request);
        Refuse(request.Number, work, reason);
        Queue(request.Number, work);
    }

    public void OnSkipped(SkipLane request)
    {
        if (_phase == Phase.Closed)
        {
            return;
        }

        LaneWork work = _work[request.Number];
        work.Busy = false;
        _operations--;
        _out.Enqueue(new Report(LinkEvent.Gap, $"{request.Lane} goes on at entry {request.First}: {_peer.Cluster} keeps none before it"));
        AckLater(request.Number);
        Queue(request.Number, work);
    }

    public void OnJoined(JoinState request)
    {
        if (!_joining || _phase == Phase.Closed)
        {
            return; // the one that tells the store of a later incarnation
        }

        _joining = false;
        _joins.Dequeue();
        _joinsDone++;
        NoteState();
        GiveBack(LinkLimits.CostOf(request.Items));
        while (_waitingForJoins.TryDequeue(out int number))
        {
            _startable.Enqueue(number);
        }

        OpenIfLaterIsKnown();
    }

    /// <summary>All state up to a revision of the sender's is joined: it need not be sent again (rule R16).</summary>
    private void NoteState()
    {
        while (_stateRevisions.TryPeek(out (long Joins, long Revision) end) && end.Joins <= _joinsDone)
        {
            _stateRevisions.Dequeue();
            _memory!.State = end.Revision;
        }
    }

    private LaneWork Finish(IngestEntries request)
    {
        int cost = 0;
        for (int i = 0; i < request.Entries.Count; i++)
        {
            cost += LinkLimits.CostOf(request.Entries[i]);
        }

        GiveBack(cost);
        _operations--;
        LaneWork work = _work[request.Number];
        work.Busy = false;
        return work;
    }

    /// <summary>Something is missing before these entries: asks for it by number (rule R13), unless a gap behind them explains
    /// it.</summary>
    private void AskAgain(int number, EntryNumber ahead, LaneWork work, EntryNumber next)
    {
        DropEntries(work);
        if (!IsFed(number))
        {
            Want(number); // what is left of an earlier feed: the link that feeds the lane now brings it
        }
        else if (work.Next is null)
        {
            work.Discarding = true;
            _out.Enqueue(new Report(LinkEvent.Asked, $"{_lanes.Lane(number)}: entry {ahead} came, {next} is wanted"));
            Send(new AskFrame(number, next, ahead));
        }
    }

    private void Refuse(int number, LaneWork work, string reason)
    {
        _lanes[number].Flags |= HeardLaneFlags.Refused;
        if (IsFed(number))
        {
            GiveUp(number);
        }

        work.Discarding = false;
        DropEntries(work);
        _out.Enqueue(new Report(LinkEvent.LaneRefused, $"{_lanes.Lane(number)} is not taken from {_peer.Cluster}: {reason}"));
        Send(new LaneRefusedFrame(number, reason));
    }

    private void DropEntries(LaneWork work)
    {
        while (work.Next is { Skip: null })
        {
            GiveBack(work.Take().Bytes);
        }
    }

    private void DropGaps(LaneWork work)
    {
        while (work.Next is { Entries: null })
        {
            GiveBack(work.Take().Bytes);
        }
    }

    private void GiveBack(int cost)
    {
        _consumed += cost;
        BytesHeld -= cost;
    }

    private void Queue(int number, LaneWork work)
    {
        if (!work.Busy && !work.Queued && work.Next is not null)
        {
            work.Queued = true;
            _startable.Enqueue(number);
        }

        ForgetIfIdle(number, work);
    }

    private void ForgetIfIdle(int number, LaneWork work)
    {
        if (work.IsIdle)
        {
            _work.Remove(number);
        }
    }

    private void AckLater(int number)
    {
        ref HeardLane slot = ref _lanes[number];
        if ((slot.Flags & (HeardLaneFlags.AckDue | HeardLaneFlags.Refused)) == 0)
        {
            slot.Flags |= HeardLaneFlags.AckDue;
            _ackDue.Enqueue(number);
        }
    }

    /// <summary>One acknowledgement for all that was flushed since the last one; also when enough credit has come free.</summary>
    private SendFrame? NextAck()
    {
        if (_phase != Phase.Running
            || (_ackDue.Count == 0 && !_levelDue && _consumed - _consumedTold < Math.Max(1, _settings.CreditBytes / 4)))
        {
            return null;
        }

        LaneMark[] marks = new LaneMark[Math.Min(_ackDue.Count, LinkLimits.LanesPerFrame)];
        for (int i = 0; i < marks.Length; i++)
        {
            int number = _ackDue.Dequeue();
            _lanes[number].Flags &= ~HeardLaneFlags.AckDue;
            LaneStatus? status = _store.Lane(_lanes.Lane(number));
            marks[i] = new LaneMark(number, status?.NextEntry ?? default, status?.NextOffset ?? default);
        }

        _consumedTold = _consumed;
        _levelDue = false;
        _levelTold = IsLevel ? _memory!.HeadsSequence : _levelTold;
        return new SendFrame(new AckFrame(_consumed + _settings.CreditBytes, _levelTold, marks));
    }
}
