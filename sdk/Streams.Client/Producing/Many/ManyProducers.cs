using Streams.Core;

namespace Streams.Client;

/// <summary>What many producers on one connection know and decide: who says hello and who leaves, whose batch is next, and what an answer
/// means for whom. Each has its own <see cref="ProducerState"/>; a fault of one is no other's.</summary>
/// <remarks>Pure and single-threaded, as that is; time, since any fixed moment, is an argument. What is kept: those with something
/// waiting or unanswered, and at most <see cref="ManyProducerRules.MaxIdle"/> whose session stands without; the longest idle are forgotten
/// and leave. When more producers wait than the cluster takes on one connection, they come as others have nothing left.</remarks>
internal sealed class ManyProducers(ManyProducerRules rules)
{
    private readonly Dictionary<ProducerId, ProducerSlot> _slots = [];
    private readonly Queue<ProducerSlot> _queued = [];
    private readonly PriorityQueue<ProducerSlot, TimeSpan> _resting = new();
    private readonly LinkedList<ProducerSlot> _idle = [];
    private readonly HashSet<ProducerId> _leaving = [];
    private readonly FairTurns<ProducerSlot> _turns = new();
    private int _max;
    private int _there;
    private uint _hello;

    /// <summary>The limits.</summary>
    public ManyProducerRules Rules => rules;

    /// <summary>Producers that something is kept of.</summary>
    public int Count => _slots.Count;

    /// <summary>Producers that may send and have something.</summary>
    public int Ready => _turns.Count;

    /// <summary>When the first rest ends; <see langword="null"/> when nobody rests.</summary>
    public TimeSpan? Due => _resting.TryPeek(out _, out TimeSpan due) ? due : null;

    /// <summary>What waited when the store was opened.</summary>
    public void Restore(RestoredProducer restored)
    {
        ProducerSlot slot = Slot(restored.Producer);
        foreach (RestoredPartition each in restored.Partitions)
        {
            PartitionProducer partition = slot.State.Partition(each.Partition);
            partition.Restore(each.Highest, each.Waiting);
            Raise(partition, each.Stand);
        }

        Wake(slot);
        Settle(slot);
    }

    /// <summary>Events have come. False when nothing is known of their producer in their partition: then it is to be called again with
    /// where its events stand.</summary>
    public bool TryAdd(in ArrivedRun run, IReadOnlyList<EventPlace>? stand)
    {
        bool isKnown = _slots.TryGetValue(run.Producer, out ProducerSlot? slot) && slot.State.Knows(run.Partition);
        if (!isKnown && stand is null)
        {
            return false;
        }

        slot ??= Slot(run.Producer);
        PartitionProducer partition = slot.State.Partition(run.Partition);
        if (!isKnown)
        {
            Raise(partition, stand!);
        }

        partition.Add(run.Epoch, run.First, run.Last);
        Wake(slot);
        return true;
    }

    /// <summary>A connection stands, on which so many producers may be.</summary>
    public void BeginConnection(int maxProducers)
    {
        EndConnection();
        _max = maxProducers;
    }

    /// <summary>The connection is over: what was not answered is sent again, in order, by sessions that are to be begun.</summary>
    public void EndConnection()
    {
        _queued.Clear();
        _resting.Clear();
        _idle.Clear();
        _leaving.Clear();
        _there = 0;
        foreach (ProducerSlot slot in _slots.Values.ToArray())
        {
            slot.IsThere = false;
            slot.NextRest = TimeSpan.Zero;
            EndSession(slot);
            Wake(slot);
            Settle(slot);
        }
    }

    /// <summary>The next hello: those who wait for it, as many as fit one message and the connection, and those who leave to make room;
    /// <see langword="null"/> when there is none to say.</summary>
    public HellosRequest? NextHello(TimeSpan now)
    {
        while (_resting.TryPeek(out ProducerSlot? rested, out TimeSpan due) && due <= now)
        {
            _resting.Dequeue();
            if (rested.Phase == SlotPhase.Resting && rested.RestsUntil == due)
            {
                Queue(rested);
            }
        }

        if (_queued.Count == 0 && _leaving.Count < HellosRequest.MaxProducers)
        {
            return null;
        }

        List<ProducerHello> hellos = [];
        _hello++;
        int partitions = 0;
        while (hellos.Count < rules.HelloProducers && _queued.TryPeek(out ProducerSlot? slot) && HasRoomFor(slot))
        {
            partitions += slot.State.Partitions.Count;
            if (hellos.Count > 0 && partitions > rules.HelloPartitions)
            {
                break;
            }

            _queued.Dequeue();
            _leaving.Remove(slot.Producer);
            _there += slot.IsThere ? 0 : 1;
            slot.IsThere = true;
            slot.Phase = SlotPhase.Asked;
            slot.Hello = _hello;
            hellos.Add(new ProducerHello(slot.Producer, slot.State.BeginSession()));
        }

        if (hellos.Count == 0 && _leaving.Count < HellosRequest.MaxProducers)
        {
            return null;
        }

        ProducerId[] leaving = [.. _leaving.Take(HellosRequest.MaxProducers)];
        _leaving.ExceptWith(leaving);
        return new HellosRequest(_hello, leaving, hellos);
    }

    /// <summary>The cluster told what it holds of a producer. Gives what may be let go of, and the partitions in which it holds what is not
    /// known here (rule R7).</summary>
    /// <returns>The producer, or <see langword="null"/> when this is no answer to its latest hello.</returns>
    public ProducerSlot? Greet(uint hello, Origin origin, ProducerHeld told, List<ConfirmedRun> confirmed,
        out IReadOnlyList<StreamPartition> rolledBack)
    {
        rolledBack = [];
        if (!_slots.TryGetValue(told.Producer, out ProducerSlot? slot) || slot.Phase != SlotPhase.Asked || slot.Hello != hello)
        {
            return null;
        }

        rolledBack = slot.State.ApplyHello(new HelloReply(hello, origin, told.Held, []), confirmed);
        slot.Phase = SlotPhase.Greeted;
        Wake(slot);
        return slot;
    }

    /// <summary>The next stretch to send, producers taking turns by bytes, and the partitions of each.</summary>
    /// <param name="quantum">Bytes of one turn.</param>
    /// <param name="next">What to send: as much of its beginning as its bytes allow, at least one event.</param>
    public bool TryNext(int quantum, out NextStretch next)
    {
        while (_turns.TryNext(quantum, out Turn<ProducerSlot> turn))
        {
            ProducerSlot slot = turn.Owner;
            if (slot.State.TryNext(out PartitionProducer partition, out EventIdentity first, out long last))
            {
                next = new NextStretch(slot, slot.State.Session, partition, first, last, turn.Credit);
                return true;
            }

            _turns.Leave(turn);
        }

        next = default;
        return false;
    }

    /// <summary>Decides a batch: it counts as sent. <see langword="null"/> when the producer's session has ended since
    /// <see cref="TryNext"/>.</summary>
    public OutgoingBatch? Send(in NextStretch next, long last, int bytes)
    {
        ProducerSlot slot = next.Slot;
        if (slot.State.Session != next.Session || slot.Phase != SlotPhase.Greeted)
        {
            return null;
        }

        OutgoingBatch batch = slot.State.Send(next.Partition, next.First, last);
        _turns.Spent(slot.Turn, bytes);
        if (!slot.State.HasUnsent)
        {
            _turns.Leave(slot.Turn);
        }

        return batch;
    }

    /// <summary>A batch was taken. False when the answer does not account for all of it. To be asked only while its session stands
    /// (<see cref="IsOpen"/>).</summary>
    public static bool Acknowledge(ProducerSlot slot, OutgoingBatch batch, IReadOnlyList<PlacedRun> placed, List<ConfirmedRun> confirmed)
    {
        slot.NextRest = TimeSpan.Zero;
        return slot.State.Acknowledge(batch, placed, confirmed);
    }

    /// <summary>Whether the session that a batch was sent in stands: of one that is over the next hello tells.</summary>
    public static bool IsOpen(ProducerSlot slot, OutgoingBatch batch) => slot.State.Session == batch.Session;

    /// <summary>A batch was refused for good: its producer, and no other, says hello again.</summary>
    /// <returns>Whether its events are to be parked; else they are sent in smaller batches.</returns>
    public bool Refuse(ProducerSlot slot, OutgoingBatch batch, bool allAlike)
    {
        if (!IsOpen(slot, batch))
        {
            return false;
        }

        bool parked = slot.State.Refuse(batch, allAlike);
        EndSession(slot);
        Wake(slot);
        return parked;
    }

    /// <summary>A producer's session is over, or its events cannot be read: it comes back alone, each time in a row after a longer
    /// rest.</summary>
    /// <returns>How long it rests; <see langword="null"/> when that session was over already.</returns>
    public TimeSpan? ShutOut(ProducerSlot slot, long session, TimeSpan now)
    {
        if (slot.State.Session != session || slot.Phase != SlotPhase.Greeted)
        {
            return null;
        }

        EndSession(slot);
        TimeSpan rest = slot.NextRest;
        slot.NextRest = rest == TimeSpan.Zero ? rules.FirstRest : rest * 2 < rules.LongestRest ? rest * 2 : rules.LongestRest;
        slot.RestsUntil = now + rest;
        slot.Phase = SlotPhase.Resting;
        _resting.Enqueue(slot, slot.RestsUntil);
        return rest;
    }

    /// <summary>Something of a producer was answered, and what followed from it is done: when nothing of it is left, it is idle, or
    /// forgotten.</summary>
    public void Settle(ProducerSlot slot)
    {
        if (slot.Confirming > 0 || slot.State.InFlight > 0 || slot.State.HasWaiting || slot.Idle.List is not null
            || _slots.GetValueOrDefault(slot.Producer) != slot)
        {
            return;
        }

        if (slot.Phase is SlotPhase.None or SlotPhase.Resting)
        {
            Forget(slot);
        }
        else if (slot.Phase == SlotPhase.Greeted)
        {
            _idle.AddLast(slot.Idle);
            if (_idle.Count > rules.MaxIdle)
            {
                Forget(_idle.First!.Value);
            }
        }
    }

    private ProducerSlot Slot(ProducerId producer)
    {
        if (!_slots.TryGetValue(producer, out ProducerSlot? slot))
        {
            slot = new ProducerSlot(producer);
            _slots.Add(producer, slot);
        }

        return slot;
    }

    private void Wake(ProducerSlot slot)
    {
        if (!slot.State.HasUnsent)
        {
            return;
        }

        if (slot.Idle.List is not null)
        {
            _idle.Remove(slot.Idle);
        }

        if (slot.Phase == SlotPhase.None)
        {
            Queue(slot);
        }
        else if (slot.Phase == SlotPhase.Greeted)
        {
            _turns.Enter(slot.Turn);
        }
    }

    private void Queue(ProducerSlot slot)
    {
        slot.Phase = SlotPhase.Queued;
        _queued.Enqueue(slot);
    }

    private void EndSession(ProducerSlot slot)
    {
        slot.State.EndSession();
        slot.Phase = SlotPhase.None;
        _turns.Leave(slot.Turn);
    }

    // What leaves with this hello makes room in it.
    private bool HasRoomFor(ProducerSlot slot)
    {
        while (!slot.IsThere && _there + Math.Max(0, _leaving.Count - HellosRequest.MaxProducers) >= _max)
        {
            if (_idle.First is not { } longest || _leaving.Count >= HellosRequest.MaxProducers)
            {
                return false;
            }

            Forget(longest.Value);
        }

        return true;
    }

    private void Forget(ProducerSlot slot)
    {
        _slots.Remove(slot.Producer);
        if (slot.Idle.List is not null)
        {
            _idle.Remove(slot.Idle);
        }

        _turns.Leave(slot.Turn);
        if (slot.IsThere)
        {
            slot.IsThere = false;
            _there--;
            _leaving.Add(slot.Producer);
        }

        slot.Phase = SlotPhase.None;
    }

    private static void Raise(PartitionProducer partition, IReadOnlyList<EventPlace> stand)
    {
        foreach (EventPlace place in stand)
        {
            partition.Stand.Raise(place);
        }
    }
}

/// <summary>What may be sent next.</summary>
/// <param name="Slot">Whose.</param>
/// <param name="Session">The session of the producer in which it was decided.</param>
/// <param name="Partition">The partition.</param>
/// <param name="First">The first event.</param>
/// <param name="Last">Sequence of the last one.</param>
/// <param name="Bytes">Bytes that may be taken of it.</param>
internal readonly record struct NextStretch(ProducerSlot Slot, long Session, PartitionProducer Partition, EventIdentity First, long Last,
    long Bytes);

/// <summary>Limits of <see cref="ManyProducers"/>.</summary>
internal sealed record ManyProducerRules
{
    /// <summary>Producers whose session stands and who have nothing to send: as many as send now and then, some KiB each. Who is beyond it
    /// says hello again with its next event: one round trip.</summary>
    public int MaxIdle { get; init; } = 4096;

    /// <summary>Most producers of one hello.</summary>
    public int HelloProducers { get; init; } = 256;

    /// <summary>Most partitions of one hello, but for a producer that alone has more.</summary>
    public int HelloPartitions { get; init; } = 4096;

    /// <summary>The second rest in a row of a producer that was shut out; the first is none. Each further one is twice as long.</summary>
    public TimeSpan FirstRest { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest rest.</summary>
    public TimeSpan LongestRest { get; init; } = TimeSpan.FromSeconds(10);
}
