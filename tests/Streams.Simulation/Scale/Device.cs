using System.Globalization;
using System.Text;
using Streams.Client;
using Streams.Core;
using Streams.Storage;

namespace Streams.Simulation;

/// <summary>A device that writes events through the SDK's own decisions of what is sent, behind what, and what after a hello. It may go
/// to another cluster at any time, with batches unanswered.</summary>
internal sealed class Device
{
    private const int EventsPerBatch = 16;

    private readonly ScaleWorld _world;
    private readonly int _milliseconds;
    private readonly ulong _epoch;
    private readonly ProducerState _state;
    private readonly EventBatchBuilder _builder = new();
    private readonly Dictionary<long, EventPlace> _confirmed = [];
    private readonly List<(long First, long Last)> _tried = [];
    private ProducerSession _session;
    private int _cluster = -1;
    private int _connection;
    private long _written;

    public Device(ScaleWorld world, int number, int milliseconds)
    {
        _world = world;
        _milliseconds = milliseconds;
        _epoch = (ulong)world.Chance.NextInt64();
        Id = new ProducerId((UInt128)(number + 1));
        _state = new ProducerState(Id);
    }

    public ProducerId Id { get; }

    /// <summary>Events written to its outbox.</summary>
    public long Written => _written;

    /// <summary>Where each event stands, as clusters said.</summary>
    public IReadOnlyDictionary<long, EventPlace> Confirmed => _confirmed;

    /// <summary>How often it went to another cluster.</summary>
    public int Moves { get; private set; }

    /// <summary>Whether an event was under way without an answer when a session ended, so that it may stand twice.</summary>
    public bool MayStandTwice(long sequence) => _tried.Exists(t => t.First <= sequence && sequence <= t.Last);

    public void Connect(int cluster)
    {
        Leave();
        _cluster = cluster;
        int connection = ++_connection;
        IReadOnlyList<(StreamPartition Partition, long From)> waiting = _state.BeginSession();
        _world.After(_milliseconds, () => At(cluster).Ask(() =>
        {
            if (connection == _connection)
            {
                Hello(connection, waiting);
            }
        }));
    }

    public void Move(int cluster)
    {
        Moves++;
        Leave();
        _connection++;
        int connection = _connection;
        _world.After(_world.Chance.Next(50, 500), () =>
        {
            if (connection == _connection)
            {
                Connect(cluster);
            }
        });
    }

    public void Write()
    {
        long sequence = ++_written;
        _state.Partition(ScaleWorld.Partition).Add(_epoch, sequence, sequence);
        SendWaiting();
    }

    private ScaleCluster At(int cluster) => _world.Clusters[cluster];

    private void Leave()
    {
        _state.EndSession();
        foreach (PartitionProducer partition in _state.Partitions)
        {
            _tried.AddRange(partition.Tried);
        }
    }

    /// <summary>What a cluster does when a producer presents itself (rules R1 to R3).</summary>
    private void Hello(int connection, IReadOnlyList<(StreamPartition Partition, long From)> waiting)
    {
        Container store = At(_cluster).Store;
        _session = store.BeginProducer(Id);
        List<(StreamPartition, IReadOnlyList<HeldRun>)> held = [];
        foreach ((StreamPartition partition, long from) in waiting)
        {
            held.Add((partition, store.Held(Id, partition, from)));
        }

        HelloReply reply = new(1, store.Origin, held, []);
        _world.After(_milliseconds, () =>
        {
            if (connection == _connection)
            {
                List<ConfirmedRun> confirmed = [];
                if (_state.ApplyHello(reply, confirmed).Count > 0)
                {
                    _world.Violation($"device {Id}: {At(_cluster).Name} holds events that it never wrote");
                }

                Keep(confirmed);
                SendWaiting();
            }
        });
    }

    private void SendWaiting()
    {
        while (_state.TryNext(out PartitionProducer partition, out EventIdentity first, out long last))
        {
            OutgoingBatch batch = _state.Send(partition, first, Math.Min(last, first.Sequence + EventsPerBatch - 1));
            for (long sequence = first.Sequence; sequence <= batch.Last; sequence++)
            {
                string topic = $"t{(int)((ulong)Id.Value + (ulong)sequence) % ScaleWorld.Topics}";
                string payload = string.Create(CultureInfo.InvariantCulture, $"{(ulong)Id.Value}:{sequence} ");
                _builder.TryAdd(Encoding.UTF8.GetBytes(topic), default, default, Encoding.UTF8.GetBytes(payload.PadRight(32, '.')),
                    _world.Time.Now * 1000);
            }

            EventBatch bytes = _builder.Build(first, batch.Predecessor, batch.MayHaveTwins);
            (int connection, int cluster) = (_connection, _cluster);
            _world.After(_milliseconds, () => At(cluster).Ask(() =>
            {
                // Of a device that has gone, what was under way comes, or does not.
                if (connection == _connection || _world.Chance.Next(2) == 0)
                {
                    _ = ProduceAsync(connection, cluster, batch, bytes);
                }
            }));
        }
    }

    private async Task ProduceAsync(int connection, int cluster, OutgoingBatch batch, EventBatch bytes)
    {
        ProduceResult result = await At(cluster).Store.ProduceAsync(_session, batch.Partition, batch.After, bytes, default);
        _world.After(_milliseconds, () =>
        {
            if (connection == _connection)
            {
                Answered(batch, result);
            }
        });
    }

    private void Answered(OutgoingBatch batch, ProduceResult result)
    {
        List<ConfirmedRun> confirmed = [];
        if (result.Refusal != ProduceRefusal.None || !_state.Acknowledge(batch, result.Placed, confirmed))
        {
            Connect(_cluster);
            return;
        }

        Keep(confirmed);
        SendWaiting();
    }

    private void Keep(List<ConfirmedRun> confirmed)
    {
        foreach (ConfirmedRun run in confirmed)
        {
            for (long sequence = run.Placed.First; sequence <= run.Placed.Last; sequence++)
            {
                _confirmed[sequence] = new EventPlace(run.Placed.Origin, run.Placed.FirstOffset + (sequence - run.Placed.First));
            }
        }
    }
}
