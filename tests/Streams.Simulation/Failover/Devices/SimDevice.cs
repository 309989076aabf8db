using System.Text;
using Streams.Client;
using Streams.Core;

namespace Streams.Simulation;

/// <summary>A device that produces: the product's decisions over a simulated outbox and a simulated connection.</summary>
internal sealed class SimDevice
{
    private const int InFlight = 4;

    private readonly World _world;
    private readonly EventBatchBuilder _builder = new();
    private readonly List<Action<SimOutbox>> _unsaved = [];         // transactions, in the order in which they will be written
    private readonly HashSet<(long Session, StreamPartition Partition)> _sentIn = [];
    private readonly Dictionary<BatchMessage, OutgoingBatch> _batches = [];
    private SimOutbox _outbox;
    private SimOutbox? _aside;
    private ProducerState _state = null!;
    private DeviceConnection? _connection;
    private ulong _epoch;
    private uint _correlation;

    public SimDevice(World world, int number)
    {
        _world = world;
        Name = "p" + number;
        Id = ProducerId.ForName(Name);
        _outbox = new SimOutbox { Partitions = world.Configuration.Partitions };
        Open();
    }

    public string Name { get; }

    public ProducerId Id { get; }

    public bool HasWaiting => _outbox.Count > 0;

    public ClusterLife? At => _connection?.Life;

    /// <summary>An event is written to the outbox, flushed.</summary>
    public void Produce()
    {
        Save();
        int partition = _world.Chance.Next(_outbox.Partitions);
        string topic = "t" + _world.Chance.Next(3);
        long sequence = _outbox.NextOf(partition);
        int uid = _world.Truth.Make(Id, _epoch, partition, sequence, topic);
        _outbox.Append(partition, new WaitingEvent(_epoch, sequence, uid));
        _state.Partition(_world.Partition(partition)).Add(_epoch, sequence, sequence);
        _world.Trace?.Add($"{Name} makes e{uid} = {sequence}/{partition}");
    }

    /// <summary>Goes to a cluster and says hello.</summary>
    public void Connect(ClusterLife life)
    {
        Leave();
        _connection = new DeviceConnection(_world, this, life);
        HelloRequest hello = new(++_correlation, Id, _state.BeginSession());
        _connection.Up.Send(new HelloMessage(hello));
        _world.Tally.Add("device sessions");
        _world.Trace?.Add($"{Name} joins {life.Cluster.Letter}");
    }

    /// <summary>The connection is gone. What was sent may still arrive, in order.</summary>
    public void Leave()
    {
        if (_connection is not { } old)
        {
            return;
        }

        old.IsLeft = true;
        if (old.Life.IsUp && old.Up.Count > 0 && _world.Chance.Next(10) < 7)
        {
            _world.LeftBehind.Add(old);
            _world.Tally.Add("connections left with batches under way");
        }

        _connection = null;
        _batches.Clear();
        _state.EndSession();
    }

    /// <summary>Sends a batch; false when there is none, or no room.</summary>
    public bool Send()
    {
        if (_connection is not { } connection || !connection.Up.HasRoom || _state.InFlight >= InFlight
            || !_state.TryNext(out PartitionProducer partition, out EventIdentity first, out long last))
        {
            return false;
        }

        last = Math.Min(last, first.Sequence + _world.Chance.Next(3));
        bool begins = !_sentIn.Contains((_state.Session, partition.Partition));
        OutgoingBatch batch = _state.Send(partition, first, last);
        _sentIn.Add((_state.Session, partition.Partition));
        int number = partition.Partition.Partition.Value;
        for (long sequence = first.Sequence; sequence <= last; sequence++)
        {
            WaitingEvent waiting = _outbox.Find(number, sequence);
            TrueEvent truth = _world.Truth[waiting.Uid];
            _builder.TryAdd(Encoding.UTF8.GetBytes(truth.Topic), default, default, Truth.Payload(waiting.Uid), waiting.Uid);
        }

        BatchMessage message = new(batch.Partition, AfterOf(batch, partition, begins, connection), _builder.Build(first, batch.Predecessor,
            batch.MayHaveTwins));
        _batches[message] = batch;
        connection.Up.Send(message);
        _world.Tally.Add("batches sent");
        _world.Tally.Add("batches sent that may have twins", batch.MayHaveTwins ? 1 : 0);
        return true;
    }

    /// <summary>The cluster takes what was sent next.</summary>
    public bool Serve(bool faults) => _connection?.Serve(faults) ?? false;

    /// <summary>Takes the next answer.</summary>
    public bool Receive()
    {
        if (_connection is not { } connection || !connection.Down.TryArrive(out ClusterMessage message))
        {
            return false;
        }

        List<ConfirmedRun> confirmed = [];
        switch (message)
        {
            case HelloAnswer { Reply: var reply } when reply.Correlation == _correlation:
                int rolledBack = _state.ApplyHello(reply, confirmed).Count;
                _world.Tally.Add("roll-backs of outboxes seen in hello", rolledBack);
                Learn(reply);
                Confirm(connection, confirmed, reply.Held.Select(static h => h.Partition), "hello");
                break;
            case BatchAnswer { Result.Refusal: ProduceRefusal.None } answer:
                Confirmed(connection, answer, confirmed);
                break;
            case BatchAnswer:
                Leave();                                 // refused: the session is over
                break;
        }

        return true;
    }

    /// <summary>What was confirmed is written to the outbox.</summary>
    public bool Save() => Save(_unsaved.Count);

    /// <summary>The device's process ends and begins again: what was not written is forgotten.</summary>
    public void Restart()
    {
        Leave();
        Save(_world.Chance.Next(_unsaved.Count + 1));
        _unsaved.Clear();
        Open();
        _world.Tally.Add("devices restarted");
        _world.Trace?.Add($"{Name} restarts");
    }

    /// <summary>Puts a copy of the outbox aside, or sets it back to one.</summary>
    public void AsideOrBack()
    {
        if (_aside is null || _world.Chance.Next(2) == 0)
        {
            _aside = _outbox.Copy();
        }
        else if (_world.Tally["outboxes rolled back"] < 2)
        {
            Leave();
            _unsaved.Clear();
            _outbox = _aside;
            _aside = null;
            Open();
            _world.Tally.Add("outboxes rolled back");
            _world.Trace?.Add($"{Name}'s outbox is rolled back");
        }
    }

    private bool Save(int transactions)
    {
        foreach (Action<SimOutbox> write in _unsaved.Take(transactions))
        {
            write(_outbox);
        }

        _unsaved.RemoveRange(0, transactions);
        return transactions > 0;
    }

    private void Open()
    {
        _sentIn.Clear();
        _epoch = _world.Keeps(Rule.Epoch) ? (ulong)_world.Chance.NextInt64(1, long.MaxValue) : 1;
        _state = new ProducerState(Id);
        foreach (int partition in _outbox.Used)
        {
            PartitionProducer state = _state.Partition(_world.Partition(partition));
            state.Restore(_outbox.NextOf(partition) - 1, Runs(_outbox.Waiting(partition)));
            foreach (EventPlace place in _outbox.Stand(partition))
            {
                state.Stand.Raise(place);
            }
        }
    }

    private static List<(ulong Epoch, long First, long Last)> Runs(IReadOnlyList<WaitingEvent> waiting)
    {
        List<(ulong Epoch, long First, long Last)> runs = [];
        foreach (WaitingEvent w in waiting)
        {
            if (runs.Count > 0 && runs[^1].Epoch == w.Epoch && runs[^1].Last + 1 == w.Sequence)
            {
                runs[^1] = runs[^1] with { Last = w.Sequence };
            }
            else
            {
                runs.Add((w.Epoch, w.Sequence, w.Sequence));
            }
        }

        return runs;
    }

    private AfterVector AfterOf(OutgoingBatch batch, PartitionProducer partition, bool begins, DeviceConnection connection)
    {
        if (!_world.Keeps(Rule.AfterAll) && !begins)
        {
            return AfterVector.Empty;
        }

        return _world.Keeps(Rule.AfterVec) || partition.Stand.Places.Count == 0 ? batch.After
            : AfterVector.Of([partition.Stand.Places[^1]]).Without(connection.Life.Origin);
    }

    private void Confirmed(DeviceConnection connection, BatchAnswer answer, List<ConfirmedRun> confirmed)
    {
        if (!_batches.Remove(answer.Batch, out OutgoingBatch? batch))
        {
            return;
        }

        if (!_state.Acknowledge(batch, answer.Result.Placed, confirmed))
        {
            _world.Truth.Fail(Violation.Protocol, $"{Name}: {connection.Life.Cluster.Letter} did not say where all of a batch stands");
        }

        Confirm(connection, confirmed, [batch.Partition], "acknowledged");
    }

    private void Confirm(DeviceConnection connection, List<ConfirmedRun> confirmed, IEnumerable<StreamPartition> touched, string why)
    {
        foreach (ConfirmedRun run in confirmed)
        {
            int partition = run.Partition.Partition.Value;
            PlacedRun placed = run.Placed;
            foreach (WaitingEvent waiting in _outbox.Waiting(partition).Where(w => w.Sequence >= placed.First && w.Sequence <= placed.Last))
            {
                TruePlace place = new(partition, placed.Origin, placed.FirstOffset.Value + (waiting.Sequence - placed.First));
                _world.Truth.Drop(connection.Life, waiting.Uid, place, why);
            }

            _world.Tally.Add(why == "hello" ? "events found held in hello" : "events acknowledged", placed.Last - placed.First + 1);
            _world.Trace?.Add($"{Name} lets go of {placed.First}-{placed.Last}/{partition} ({why}), "
                + $"at {_world.Short(placed.Origin)}@{placed.FirstOffset}");
        }

        // One transaction. Answers are handled side by side, so it may be written before one that was made earlier.
        StreamPartition[] all = [.. touched];
        EventPlace[][] made = [.. all.Select(StandOf)];
        bool late = _world.Keeps(Rule.StandLate);
        int at = _unsaved.Count - (_unsaved.Count > 0 && _world.Chance.Next(3) == 0 ? 1 : 0);
        _world.Tally.Add("confirmations written before earlier ones", _unsaved.Count - at);
        _unsaved.Insert(at, outbox =>
        {
            foreach (ConfirmedRun run in confirmed)
            {
                outbox.Remove(run.Partition.Partition.Value, run.Placed.First, run.Placed.Last);
            }

            for (int i = 0; i < all.Length; i++)
            {
                outbox.KeepStand(all[i].Partition.Value, late ? StandOf(all[i]) : made[i]);
            }
        });
    }

    private EventPlace[] StandOf(StreamPartition partition) => [.. _state.Partition(partition).Stand.Places];


    private void Learn(HelloReply reply)
    {
        foreach ((StreamPath _, int partitions) in reply.Streams)
        {
            if (_world.Configuration.Has(Faults.MorePartitions) && partitions > _outbox.Partitions)
            {
                _unsaved.Add(outbox => outbox.Partitions = Math.Max(outbox.Partitions, partitions));
            }
        }
    }
}
