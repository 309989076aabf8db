using Streams.Core;

namespace Streams.Client;

/// <summary>One partition of a consumer under rule R19 (pass-by): lanes come ungated, and only the producer that has to wait is held
/// back.</summary>
/// <remarks>Pure and single-threaded: deliveries, acknowledgements and time in, events and requests out. A delivery that does not make
/// sense changes nothing and is told
/// as a fault: the shell ends the connection, and the next session begins at the cursor.
/// <para>With explicit acknowledgement an event counts as given in two steps: handed out, it is known in memory and no copy of it is
/// handed out again in this process; acknowledged, it
/// is remembered durably (R17) and lets the cursor pass. A copy of an event that is handed out and not acknowledged holds its own lane's
/// cursor too: a skip must not
/// overtake its reason (F5).</para></remarks>
internal sealed partial class PassByReader(PartitionId partition, ReaderLimits limits, Cursor local, GivenMemory given, PatienceClock patience)
{
    private readonly Dictionary<Origin, LaneState> _lanes = [];
    private readonly List<LaneState> _dirty = [];
    private readonly List<LaneState> _stopped = [];
    private readonly List<Origin> _expired = [];
    private readonly HoldBack _hold = new(limits.HoldBackEvents, limits.HoldBackBytes);
    private readonly Outstanding _outstanding = new();
    private readonly Queue<HeldProducer> _wake = new();
    private Cursor _local = local;

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
    public int Unacknowledged => _outstanding.Count;

    /// <summary>The cursor as acknowledged: what may be kept, together with <see cref="Given"/>, and then committed (R17, R19d).</summary>
    public Cursor Confirmed()
    {
        if (_dirty.Count == 0)
        {
            return _local;
        }

        var positions = _local.Positions.ToBuilder();
        var jumps = _local.Jumps.ToBuilder();
        foreach (LaneState lane in _dirty)
        {
            lane.IsDirty = false;
            long position = lane.Position;
            if (position > positions.GetValueOrDefault(lane.Origin).Value)
            {
                positions[lane.Origin] = new Offset(position);
            }

            lane.Jumps.RemoveAll(j => j.To.Value <= position && (jumps.Add(j) || true));
        }

        _dirty.Clear();
        _local = new Cursor(_local.Generation, positions.ToImmutable(), CursorJumps.Bound(jumps));
        return _local;
    }

    /// <summary>A session begins at a cluster: from the join of its cursor and the local one; a higher generation wins whole (R11). What
    /// was held back comes again (R19d).</summary>
    public void Begin(Cursor cluster)
    {
        Confirmed();
        if (cluster.Generation.CompareTo(_local.Generation) > 0)
        {
            Rewind(cluster);
            return;
        }

        _local = Cursor.Join(_local, cluster);
        Restart();
    }

    /// <summary>The connection is lost: what is held is dropped, what is handed out stays handed out, the waits go on.</summary>
    public void EndSession()
    {
        Confirmed();
        Restart();
    }

    /// <summary>Takes a delivery. Gives <see langword="null"/>, or what is wrong with it.</summary>
    /// <param name="delivery">The delivery, for this partition.</param>
    /// <param name="batch">Its batch, parsed; <see langword="null"/> for all kinds but events.</param>
    /// <param name="now">Milliseconds since 1970.</param>
    /// <param name="output">Gets what was decided.</param>
    public string? Receive(Delivery delivery, EventBatch? batch, long now, ReaderOutput output)
    {
        if (delivery.Kind == DeliveryKind.Rewound)
        {
            if (delivery.Cursor.Generation.CompareTo(_local.Generation) > 0)
            {
                Rewind(delivery.Cursor);
            }

            return null;
        }

        LaneState lane = Lane(delivery.Origin);
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
            WakeAll(Lane(origin));
        }

        Settle(now, output);
    }

    /// <summary>The application is done with an event. Repeated calls, and those for a life that is over, do nothing.</summary>
    public void Acknowledge(in EventIdentity identity, int life, long now)
    {
        if (life != Life || !_outstanding.TryRemove(identity, out EventSpot spot, out List<EventSpot>? copies))
        {
            return;
        }

        Close(spot);
        foreach (EventSpot copy in copies ?? [])
        {
            Close(copy);
        }

        given.Add(new ProducerEpoch(identity.Producer, identity.Epoch),
            new GivenRun(identity.Sequence, identity.Sequence, spot.Lane.Origin, spot.Offset, spot.Offset), now);
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
                Lane(blockedBy.Origin).Awaiting.Enqueue(producer, blockedBy.Offset.Value);
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
        foreach (LaneState lane in _dirty)
        {
            lane.IsDirty = false;
        }

        _dirty.Clear();
        _local = cursor;
        given.Forget(cursor);
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
        foreach (LaneState lane in _lanes.Values)
        {
            lane.Reset(_local[lane.Origin].Value);
        }

        foreach (Origin origin in _local.Positions.Keys)
        {
            Lane(origin);
        }

        _outstanding.Reopen();
    }

    private LaneState Lane(Origin origin)
    {
        if (!_lanes.TryGetValue(origin, out LaneState? lane))
        {
            lane = new LaneState(origin) { Received = _local[origin].Value };
            _lanes.Add(origin, lane);
        }

        return lane;
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
        MarkDirty(lane);
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

    private void Close(EventSpot spot)
    {
        spot.Lane.Open.Close(spot.Offset);
        MarkDirty(spot.Lane);
    }

    private void MarkDirty(LaneState lane)
    {
        if (!lane.IsDirty)
        {
            lane.IsDirty = true;
            _dirty.Add(lane);
        }
    }
}
