using Streams.Core;

namespace Streams.Client;

/// <summary>One partition of a consumer under rule R19 (pass-by): lanes come ungated, and only the producer that has to wait is held
/// back.</summary>
/// <remarks>Pure and single-threaded: deliveries, acknowledgements and time in, events and requests out. A delivery that does not make
/// sense changes nothing and is told
/// as a fault: the shell ends the connection, and the next session begins at the cursor.
/// <para>With explicit acknowledgement an event counts as given in two steps: handed out, it is known in memory and no copy of it is
/// handed out again in this process; acknowledged, it
/// is remembered durably (R17) and lets the cursor pass. A copy of an event that is handed out and not acknowledged holds its own
/// lane's cursor too: a skip must not
/// overtake its reason (F5).</para></remarks>
internal sealed partial class PassByReader(PartitionId partition, ReaderLimits limits, Cursor local, GivenMemory given,
    PatienceClock patience, PassByRules? rules = null)
{
    private readonly PassByRules _rules = rules ?? PassByRules.All;
    private readonly LaneTable _lanes = new(local);
    private readonly List<LaneState> _stopped = [];
    private readonly List<Origin> _expired = [];
    private readonly HoldBack _hold = new(limits.HoldBackEvents, limits.HoldBackBytes);
    private readonly Outstanding _outstanding = new();
    private readonly Queue<HeldProducer> _wake = new();
    private readonly List<OutstandingRun> _removed = [];
    private bool _awaitsRewind;                      // what comes belongs to an older generation, until the cluster says otherwise

    /// <summary>The partition.</summary>
    public PartitionId Partition => partition;

    /// <summary>What the application is done with (R17).</summary>
    public GivenMemory Given => given;

    /// <summary>The waits (R15).</summary>
    public PatienceClock Patience => patience;

    /// <summary>Begins with 0 and rises with each rewind.</summary>
    public int Life { get; private set; }

    /// <summary>Events held back now.</summary>
    public int Held => _hold.Count;

    /// <summary>Events handed out and not acknowledged.</summary>
    public long Unacknowledged => _outstanding.Count;

    /// <summary>The cursor as acknowledged: what may be kept, together with <see cref="Given"/>, and then committed (R17,
    /// R19d).</summary>
    public Cursor Confirmed() => _lanes.Confirmed();

    /// <summary>A session begins at a cluster: from the join of its cursor and the local one; a higher generation wins whole (R11).
    /// What was held back comes again (R19d).</summary>
    public void Begin(Cursor cluster)
    {
        if (cluster.Generation.CompareTo(_lanes.Local.Generation) > 0)
        {
            _awaitsRewind = false;
            Rewind(cluster);
            return;
        }

        _awaitsRewind = cluster.Generation.CompareTo(_lanes.Local.Generation) < 0;
        _lanes.Join(cluster);
        Restart();
    }

    /// <summary>The application goes elsewhere (R11): what was handed out is void. Nothing is taken until the cluster has heard of it and
    /// delivers from there.</summary>
    /// <param name="cursor">Of a higher generation.</param>
    public void Seek(Cursor cursor)
    {
        Rewind(cursor);
        _awaitsRewind = true;
    }

    /// <summary>The connection is lost: what is held is dropped, what is handed out stays handed out, the waits go on.</summary>
    public void EndSession() => Restart();

    /// <summary>Takes a delivery. Gives <see langword="null"/>, or what is wrong with it.</summary>
    /// <param name="delivery">The delivery, for this partition.</param>
    /// <param name="batch">Its batch, parsed; <see langword="null"/> for all kinds but events.</param>
    /// <param name="now">Milliseconds since 1970.</param>
    /// <param name="output">Gets what was decided.</param>
    public string? Receive(Delivery delivery, EventBatch? batch, long now, ReaderOutput output)
    {
        if (delivery.Kind == DeliveryKind.Rewound)
        {
            int newer = delivery.Cursor.Generation.CompareTo(_lanes.Local.Generation);
            _awaitsRewind &= newer < 0;
            if (newer > 0)
            {
                Rewind(delivery.Cursor);
            }

            return null;
        }

        if (_awaitsRewind)
        {
            return null;
        }

        LaneState lane = _lanes.Of(delivery.Origin);
        if (delivery.Kind == DeliveryKind.Released)
        {
            lane.EndsAt = delivery.To.Value;
            Moved(lane);
            Settle(now, output);
            return null;
        }

        if (DeliveryCheck.Fault(delivery, batch) is { } fault)
        {
            return fault;
        }

        if (delivery.To.Value <= lane.Received || lane.Stopped is not null)
        {
            return null;                             // had, or behind a stop (R19f)
        }

        if (delivery.From.Value > lane.Received)
        {
            Resume(lane, output, again: false);      // of before a resume; else a hole, which is asked for the same way
            return null;
        }

        lane.IsResuming = false;
        Take(lane, delivery, batch, now, output);
        Settle(now, output);
        return null;
    }

    /// <summary>Time passes: waits that are over by <paramref name="now"/> are given up (R15).</summary>
    public void Tick(long now, ReaderOutput output)
    {
        _expired.Clear();
        patience.Tick(now, _expired);
        foreach (Origin origin in _expired)
        {
            WakeAll(_lanes.Of(origin));
        }

        Settle(now, output);
    }

    /// <summary>Adds what is handed out of a lane and not acknowledged, up to a place and with it; nothing of a life that is
    /// over.</summary>
    public void HandedOut(EventPlace place, int life, List<SequenceSpan> spans)
    {
        if (life == Life && _lanes.Find(place.Origin) is { } lane)
        {
            _outstanding.UpTo(lane, place.Offset.Value, spans);
        }
    }

    /// <summary>Whether an event is handed out and not acknowledged.</summary>
    public bool IsOutstanding(in EventIdentity identity, int life) => life == Life
        && _outstanding.NextFrom(new ProducerEpoch(identity.Producer, identity.Epoch), identity.Sequence) == identity.Sequence;

    /// <summary>The application is done with an event, or several that follow each other. Repeated calls, and those for a life that is
    /// over, do nothing.</summary>
    public void Acknowledge(in EventIdentity first, int count, int life, long now)
    {
        if (life != Life)
        {
            return;
        }

        ProducerEpoch key = new(first.Producer, first.Epoch);
        _outstanding.Remove(key, first.Sequence, first.Sequence + count - 1, _removed);
        foreach (OutstandingRun run in _removed)
        {
            Close(run.Lane, run.Offset, run.LastOffset);
            foreach ((_, EventSpot copy) in run.Copies ?? [])
            {
                Close(copy.Lane, copy.Offset, copy.Offset);
            }

            given.Add(key, new GivenRun(run.First, run.Last, run.Lane.Origin, run.Offset, run.LastOffset), now);
        }

        _removed.Clear();
    }

    private void Take(LaneState lane, Delivery delivery, EventBatch? batch, long now, ReaderOutput output)
    {
        if (delivery.Kind == DeliveryKind.Gap)
        {
            Offset from = Offset.Max(delivery.From, new Offset(lane.Received));
            lane.Jumps.Add(new CursorJump(lane.Origin, from, delivery.To));
            output.GapEvents += delivery.To - from;
        }
        else if (batch is not null && !TakeEvents(lane, delivery, batch, now, output))
        {
            return;
        }

        given.AddCovered(delivery, batch?.Header, now);
        Advance(lane, delivery.To.Value);
    }

    /// <summary>Gives the event, or passes it because it was given before; false when it has to wait (R19b).</summary>
    private bool TryTake(LaneState lane, long offset, in EventIdentity identity, in EventView view, AfterVector after,
        ReaderOutput output, out EventPlace blockedBy)
    {
        blockedBy = default;
        if (_outstanding.TryTie(identity, new EventSpot(lane, offset)))
        {
            lane.Open.Add(offset, offset);
            output.TwinsCaught++;
        }
        else if (given.Contains(identity))
        {
            lane.Open.Close(offset, offset);
            output.TwinsCaught++;
        }
        else
        {
            Readiness ready = IsReady(lane, offset, identity.Producer, after, out blockedBy);
            if (ready == Readiness.Blocked)
            {
                return false;
            }

            Give(new GivenEvents(lane.Origin, offset, identity, 1, null, 0, view, ready != Readiness.Ready, Life), lane, ready, output);
        }

        _lanes.Touch(lane);
        Wake(_hold.Of(identity.Producer));
        return true;
    }

    private Readiness IsReady(LaneState lane, long offset, ProducerId producer, AfterVector after, out EventPlace blockedBy)
    {
        blockedBy = default;
        HeldProducer? held = _hold.Of(producer);
        if (held is not null && held.Lowest(lane) < offset)
        {
            return Readiness.Blocked;
        }

        Readiness ready = Readiness.Ready;
        foreach (EventPlace place in after.Places)
        {
            LaneState? on = _lanes.Find(place.Origin);
            if (on?.Received > place.Offset.Value)
            {
                if (held is not null && held.Lowest(on) <= place.Offset.Value && _rules.Chain)
                {
                    return Readiness.Blocked;        // it came, and waits itself
                }
            }
            else if (on is not null && on.IsExhausted)
            {
                ready = Readiness.Closed;
            }
            else if (patience.HasExpired(place.Origin))
            {
                ready = Readiness.Patience;
            }
            else
            {
                blockedBy = place;
                return Readiness.Blocked;
            }
        }

        return ready;
    }

    private bool TryHold(LaneState lane, long offset, in EventIdentity identity, in EventView view, AfterVector after, long now,
        ReaderOutput output)
    {
        HeldEvent held = new() { Lane = lane, Offset = offset, Identity = identity, View = view, After = after };
        held.Waits = AwaitedBy(held, now);
        if (!_hold.HasRoom)
        {
            lane.Stopped = held;
            _stopped.Add(lane);
            output.LanesStopped++;
            return false;
        }

        Hold(held, output);
        return true;
    }

    private void Hold(HeldEvent held, ReaderOutput output)
    {
        if (_rules.KeepBack)
        {
            held.Lane.Open.Add(held.Offset, held.Offset);
        }

        _lanes.Touch(held.Lane);
        output.HeldBack++;
        Wake(_hold.Add(held));
    }

    private AwaitedLane[] AwaitedBy(HeldEvent held, long now)
    {
        List<AwaitedLane>? waits = null;
        foreach (EventPlace place in held.After.Places)
        {
            if (!(_lanes.Find(place.Origin)?.Received > place.Offset.Value))
            {
                (waits ??= []).Add(patience.Wait(place.Origin, place.Offset.Value, now));
            }
        }

        return waits?.ToArray() ?? [];
    }

    /// <summary>Gives what need not wait any longer; refills from the lanes that stopped.</summary>
    private void Settle(long now, ReaderOutput output)
    {
        bool again = true;
        while (again)
        {
            while (_wake.TryDequeue(out HeldProducer? producer))
            {
                producer.IsQueued = false;
                Recheck(producer, output);
            }

            again = false;
            for (int i = _stopped.Count - 1; i >= 0; i--)
            {
                again |= TryContinue(_stopped[i], output);
            }
        }
    }

    private void Recheck(HeldProducer producer, ReaderOutput output)
    {
        for (int i = 0; i < producer.Lanes.Count;)
        {
            HeldEvent held = producer.Lanes[i].Events.Peek();
            if (TryTake(held.Lane, held.Offset, held.Identity, held.View, held.After, output, out EventPlace blockedBy))
            {
                _hold.Remove(producer, i);
                Leave(held);
                i = 0;
                continue;
            }

            if (blockedBy != default && held.QueuedAt != blockedBy)
            {
                held.QueuedAt = blockedBy;
                _lanes.Of(blockedBy.Origin).Awaiting.Enqueue(producer, blockedBy.Offset.Value);
            }

            i++;
        }
    }

    private bool TryContinue(LaneState lane, ReaderOutput output)
    {
        HeldEvent held = lane.Stopped!;
        bool taken = TryTake(lane, held.Offset, held.Identity, held.View, held.After, output, out _);
        if (!taken && !_hold.HasRoom)
        {
            return false;
        }

        lane.Stopped = null;
        _stopped.Remove(lane);
        if (taken)
        {
            Leave(held);
        }
        else
        {
            Hold(held, output);
        }

        Advance(lane, held.Offset + 1);
        Resume(lane, output, again: true);
        return true;
    }

    private void Resume(LaneState lane, ReaderOutput output, bool again)
    {
        if (again || !lane.IsResuming)
        {
            lane.IsResuming = true;
            output.Resumes.Add(new EventPlace(lane.Origin, new Offset(lane.Received)));
        }
    }

    private void Leave(HeldEvent held)
    {
        foreach (AwaitedLane wait in held.Waits)
        {
            patience.Leave(wait);
        }
    }

    private void Rewind(Cursor cursor)
    {
        _lanes.Replace(cursor);
        if (_rules.Forget)
        {
            given.Forget(cursor);
        }

        _outstanding.Clear();
        Life++;
        Restart();
    }

    private void Restart()
    {
        _hold.Clear();
        _stopped.Clear();
        _wake.Clear();
        patience.EndSession();
        _lanes.Reset();
        _outstanding.Reopen();
    }

    private void Advance(LaneState lane, long received)
    {
        if (received > lane.Received)
        {
            lane.Received = received;
            Moved(lane);
        }
    }

    private void Moved(LaneState lane)
    {
        _lanes.Touch(lane);
        patience.Received(lane.Origin, lane.Received);
        while (lane.Awaiting.TryPeek(out HeldProducer? producer, out long offset) && (offset < lane.Received || lane.IsExhausted))
        {
            lane.Awaiting.Dequeue();
            Wake(producer);
        }
    }

    private void WakeAll(LaneState lane)
    {
        while (lane.Awaiting.TryDequeue(out HeldProducer? producer, out _))
        {
            Wake(producer);
        }
    }

    private void Wake(HeldProducer? producer)
    {
        if (producer is { IsQueued: false })
        {
            producer.IsQueued = true;
            _wake.Enqueue(producer);
        }
    }

    private void Close(LaneState lane, long first, long last)
    {
        lane.Open.Close(first, last);
        _lanes.Touch(lane);
    }
}
