using Streams.Core;

namespace Streams.Client.Tests;

/// <summary>A fleet behind one agent and two clusters, in one thread. The agent is <see cref="ManyProducers"/> over a store that outlives
/// it; a cluster keeps rules R1 to R3 and R6, and copies of the other's lanes; a reader keeps R9 and R10.</summary>
internal sealed class ManyProducerWorld
{
    private const int Fleet = 12;
    private const int Partitions = 2;

    private readonly Random _chance;
    private readonly int _seed;
    private readonly MemoryFleet _store = new(Partitions);
    private readonly Cluster[] _clusters = [new("sj"), new("ny")];
    private readonly Dictionary<(ProducerId, StreamPartition), long> _published = [];
    private readonly List<(ManyProducers Many, int Connection, ProducerSlot Slot, OutgoingBatch Batch, string Fate)> _onTheWay = [];
    private ManyProducers _many = new(new ManyProducerRules());
    private Cluster? _at;
    private int _connection;
    private TimeSpan _now;

    public ManyProducerWorld(int seed)
    {
        _seed = seed;
        _chance = new Random(seed);
        _store.Tell(OnArrived);
    }

    public int Twins { get; private set; }

    public int ShutOuts { get; private set; }

    public void Run(int steps)
    {
        for (int i = 0; i < steps; i++)
        {
            _now += TimeSpan.FromMilliseconds(5);
            switch (_chance.Next(14))
            {
                case 0 or 1 or 2:
                    Publish();
                    break;
                case 3:
                    Connect(_clusters[_chance.Next(2)]);
                    break;
                case 4 or 5:
                    Hello();
                    break;
                case 6 or 7 or 8:
                    Send(_chance.Next(8) == 0);
                    break;
                case 9 or 10:
                    Answer();
                    break;
                case 11 when _chance.Next(4) == 0:
                    Kill();
                    break;
                case 12:
                    _clusters[_chance.Next(2)].Rival(Car(_chance.Next(Fleet)));
                    break;
                case 13:
                    Copy(_chance.Next(2));
                    break;
            }
        }
    }

    /// <summary>The world becomes kind: everything arrives.</summary>
    public void Finish()
    {
        for (int i = 0; i < 10_000 && (_store.Waiting > 0 || _onTheWay.Count > 0); i++)
        {
            _now += TimeSpan.FromMilliseconds(50);
            if (_at is null)
            {
                Connect(_clusters[_chance.Next(2)]);
            }

            Hello();
            Send(isLost: false);
            while (_onTheWay.Count > 0)
            {
                Answer();
            }
        }

        Assert.True(_store.Waiting == 0, $"seed {_seed}: {_store.Waiting} events never left");
        Copy(0);
        Copy(1);
    }

    public void Check()
    {
        foreach (Cluster cluster in _clusters)
        {
            Dictionary<(ProducerId, StreamPartition), long> given = [];
            HashSet<(ProducerId, StreamPartition, ulong, long)> seen = [];
            foreach ((StreamPartition partition, OutgoingBatch batch, long sequence) in cluster.Read())
            {
                EventIdentity first = batch.First;
                if (!seen.Add((first.Producer, partition, first.Epoch, sequence)))
                {
                    Twins++;
                    continue;
                }

                long before = given.GetValueOrDefault((first.Producer, partition));
                Assert.True(sequence == before + 1, $"seed {_seed}: {first.Producer} {partition}: {sequence} was given behind {before}");
                given[(first.Producer, partition)] = sequence;
            }

            foreach (((ProducerId, StreamPartition) line, long last) in _published)
            {
                Assert.True(given.GetValueOrDefault(line) == last, $"seed {_seed}: {line}: {given.GetValueOrDefault(line)} of {last} came");
            }
        }
    }

    private static ProducerId Car(int number) => ProducerId.ForName($"car-{number}");

    private void Publish()
    {
        ProducerId car = Car(_chance.Next(Fleet));
        int partition = _chance.Next(Partitions);
        int count = 1 + _chance.Next(5);
        _store.Publish(car, partition, count);
        StreamPartition place = new(MemoryFleet.Stream, new PartitionId(partition));
        _published[(car, place)] = _published.GetValueOrDefault((car, place)) + count;
    }

    private void OnArrived(IReadOnlyList<ArrivedRun> runs)
    {
        foreach (ArrivedRun run in runs)
        {
            if (!_many.TryAdd(run, null))
            {
                Assert.True(_many.TryAdd(run, _store.Stand(run.Producer, run.Partition)));
            }
        }
    }

    private void Connect(Cluster cluster)
    {
        _at = cluster;
        _connection++;
        _many.BeginConnection(6);
    }

    // The process dies with what is on the way: the store is all that the next one knows.
    private void Kill()
    {
        _at = null;
        _connection++;
        _store.Epoch++;
        _many = new ManyProducers(new ManyProducerRules { MaxIdle = 1 + _chance.Next(4) });
        foreach (RestoredProducer restored in _store.Restored)
        {
            _many.Restore(restored);
        }
    }

    private void Hello()
    {
        if (_at is null || _many.NextHello(_now) is not { } hello)
        {
            return;
        }

        foreach (ProducerHello each in hello.Producers)
        {
            ProducerHeld held = _at.Hello(_connection, each);
            List<ConfirmedRun> confirmed = [];
            ProducerSlot? slot = _many.Greet(hello.Correlation, _at.Origin, held, confirmed, out _);
            Assert.NotNull(slot);
            Confirm(slot, confirmed, held.Held.Select(static h => h.Partition));
        }
    }

    private void Send(bool isLost)
    {
        for (int i = 1 + _chance.Next(6); i > 0 && _at is not null && _many.TryNext(60, out NextStretch next); i--)
        {
            long last = Math.Min(next.Last, next.First.Sequence + _chance.Next(4));
            OutgoingBatch batch = _many.Send(next, last, 20 * (int)(last - next.First.Sequence + 1))!;
            string fate = isLost ? "lost" : _at.Take(_connection, batch);
            _onTheWay.Add((_many, _connection, next.Slot, batch, fate));
        }
    }

    private void Answer()
    {
        if (_onTheWay.Count == 0)
        {
            return;
        }

        (ManyProducers many, int connection, ProducerSlot slot, OutgoingBatch batch, string fate) = _onTheWay[0];
        _onTheWay.RemoveAt(0);
        if (many != _many || connection != _connection)
        {
            return;                                      // the connection that it came over is no more
        }

        if (fate == "lost")
        {
            Connect(_clusters[_chance.Next(2)]);         // nothing comes in time
        }
        else if (PlacedRun.TryParse(fate, out PlacedRun placed))
        {
            if (ManyProducers.IsOpen(slot, batch))
            {
                List<ConfirmedRun> confirmed = [];
                Assert.True(ManyProducers.Acknowledge(slot, batch, [placed], confirmed));
                Confirm(slot, confirmed, [batch.Partition]);
            }
        }
        else if (_many.ShutOut(slot, batch.Session, _now) is not null)
        {
            ShutOuts++;
        }
    }

    private void Confirm(ProducerSlot slot, List<ConfirmedRun> runs, IEnumerable<StreamPartition> touched)
    {
        Confirmations told = new();
        told.Add(slot, runs, touched);
        _store.ConfirmAsync(told.Tell());
        slot.Confirming--;
        _many.Settle(slot);
    }

    private void Copy(int to) => _clusters[to].CopyFrom(_clusters[1 - to]);

    // A lane for each partition and cluster; an entry is a batch and the offset of its first event.
    private sealed class Cluster(string name)
    {
        private readonly Dictionary<(StreamPartition, Origin), List<(long Offset, OutgoingBatch Batch)>> _lanes = [];
        private readonly Dictionary<ProducerId, (int Connection, Dictionary<StreamPartition, (ulong, long)> Sent)> _sessions = [];

        public Origin Origin { get; } = new(ClusterName.Parse(name), new Incarnation(1));

        public void Rival(ProducerId producer) => _sessions[producer] = (-1, []);

        public ProducerHeld Hello(int connection, ProducerHello hello)
        {
            _sessions[hello.Producer] = (connection, []);
            List<(StreamPartition, IReadOnlyList<HeldRun>)> held = [];
            foreach ((StreamPartition partition, long from) in hello.Waiting)
            {
                held.Add((partition, [.. _lanes.Where(l => l.Key.Item1 == partition).SelectMany(l => l.Value
                    .Where(e => e.Batch.First.Producer == hello.Producer && e.Batch.Last >= from)
                    .Select(e => new HeldRun(new SequenceRun(hello.Producer, e.Batch.First.Epoch, e.Batch.First.Sequence, e.Batch.Last),
                        l.Key.Item2, new Offset(e.Offset))))]));
            }

            return new ProducerHeld(hello.Producer, held);
        }

        public string Take(int connection, OutgoingBatch batch)
        {
            if (!_sessions.TryGetValue(batch.First.Producer, out (int Connection, Dictionary<StreamPartition, (ulong, long)> Sent) open)
                || open.Connection != connection)
            {
                return nameof(ProduceRefusal.OlderSession);
            }

            if (open.Sent.GetValueOrDefault(batch.Partition) != batch.Predecessor)
            {
                return nameof(ProduceRefusal.OutOfOrder);
            }

            open.Sent[batch.Partition] = (batch.First.Epoch, batch.Last);
            List<(long Offset, OutgoingBatch Batch)> lane = Lane(batch.Partition, Origin);
            long offset = lane.Count == 0 ? 0 : lane[^1].Offset + lane[^1].Batch.Count;
            lane.Add((offset, batch));
            return new PlacedRun(batch.First.Sequence, batch.Last, Origin, new Offset(offset)).ToString();
        }

        public void CopyFrom(Cluster other)
        {
            foreach (((StreamPartition, Origin) key, List<(long, OutgoingBatch)> lane) in other._lanes)
            {
                List<(long, OutgoingBatch)> own = Lane(key.Item1, key.Item2);
                own.AddRange(lane.Skip(own.Count));
            }
        }

        // Each lane in its order; a batch once what it names in "after" has been passed.
        public IEnumerable<(StreamPartition Partition, OutgoingBatch Batch, long Sequence)> Read()
        {
            Dictionary<(StreamPartition, Origin), int> positions = _lanes.Keys.ToDictionary(static k => k, static _ => 0);
            for (bool moved = true; moved;)
            {
                moved = false;
                foreach (((StreamPartition partition, Origin origin) key, List<(long, OutgoingBatch Batch)> lane) in _lanes)
                {
                    while (positions[key] < lane.Count && IsReady(lane[positions[key]].Batch))
                    {
                        OutgoingBatch batch = lane[positions[key]++].Batch;
                        moved = true;
                        for (long sequence = batch.First.Sequence; sequence <= batch.Last; sequence++)
                        {
                            yield return (key.partition, batch, sequence);
                        }
                    }
                }
            }

            Assert.All(positions, p => Assert.Equal(_lanes[p.Key].Count, p.Value));

            bool IsReady(OutgoingBatch batch) => batch.After.Places.ToArray().All(place =>
                _lanes.TryGetValue((batch.Partition, place.Origin), out List<(long Offset, OutgoingBatch Batch)>? lane)
                && positions[(batch.Partition, place.Origin)] is var at and > 0
                && lane[at - 1].Offset + lane[at - 1].Batch.Count > place.Offset.Value);
        }

        private List<(long Offset, OutgoingBatch Batch)> Lane(StreamPartition partition, Origin origin)
        {
            if (!_lanes.TryGetValue((partition, origin), out List<(long Offset, OutgoingBatch Batch)>? lane))
            {
                _lanes.Add((partition, origin), lane = []);
            }

            return lane;
        }
    }
}
