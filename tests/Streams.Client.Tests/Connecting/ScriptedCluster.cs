using System.Buffers;
using Streams.Core;

namespace Streams.Client.Tests;

/// <summary>A cluster small enough to be read: lanes in memory, hello, produce, deliver, credit, commit, resume; and the faults that a
/// test asks for.</summary>
internal sealed class ScriptedCluster(string name)
{
    private static readonly ClusterAnswer Taken = new(0, string.Empty, []);
    private readonly Lock _lock = new();
    private readonly SortedDictionary<(string Partition, Origin Origin), List<LaneEntry>> _lanes = [];
    private readonly Dictionary<ProducerId, (long Session, Dictionary<StreamPartition, (ulong, long)> Last)> _sessions = [];
    private readonly List<ScriptedConnection> _connections = [];
    private long _session;

    public Origin Origin { get; } = new(ClusterName.Parse(name), new Incarnation(1));

    public Dictionary<(ConsumerName, StreamPartition), Cursor> Cursors { get; } = [];

    public bool IsUp { get; set; } = true;

    public int Connects { get; private set; }

    public int Hellos { get; private set; }

    public int Commits { get; private set; }

    public List<bool> Twins { get; } = [];

    /// <summary>Asked before a batch is taken: an answer to give instead, or null.</summary>
    public Func<ProduceRequest, EventBatch, ClusterAnswer?>? BeforeTaking { get; set; }

    /// <summary>Asked after a batch was taken: whether its answer is lost.</summary>
    public Func<bool>? LosesAnswer { get; set; }

    /// <summary>Asked after each message: whether the connection is cut.</summary>
    public Func<bool>? Cuts { get; set; }

    /// <summary>Of every stream.</summary>
    public int Partitions { get; private set; } = StreamSettings.DefaultPartitions;

    public IReadOnlyList<ScriptedSubscription> Subscriptions
    {
        get
        {
            lock (_lock)
            {
                return [.. _connections.SelectMany(static c => c.Subscriptions.Values)];
            }
        }
    }

    /// <summary>Events that stand in the own lanes.</summary>
    public int Events
    {
        get
        {
            lock (_lock)
            {
                return _lanes.Where(l => l.Key.Origin == Origin).Sum(static l => l.Value.Sum(static e => e.EventCount));
            }
        }
    }

    public ScriptedConnection Connect(string clientId, IncomingMessage incoming)
    {
        lock (_lock)
        {
            if (!IsUp)
            {
                throw new IOException($"{name} does not answer");
            }

            Connects += clientId.EndsWith("-probe", StringComparison.Ordinal) ? 0 : 1;
            ScriptedConnection connection = new(this, clientId, incoming);
            _connections.Add(connection);
            return connection;
        }
    }

    public void GoDown()
    {
        lock (_lock)
        {
            IsUp = false;
        }

        CutAll();
    }

    public void CutAll()
    {
        lock (_lock)
        {
            _connections.ForEach(static c => c.Cut("cut"));
            _connections.Clear();
        }
    }

    public void Forget(ScriptedConnection connection)
    {
        lock (_lock)
        {
            _connections.Remove(connection);
        }
    }

    public void Rewind(ConsumerName consumer, StreamPartition partition, Cursor cursor)
    {
        lock (_lock)
        {
            Cursors[(consumer, partition)] = cursor;
            foreach (ScriptedConnection connection in _connections)
            {
                foreach (ScriptedSubscription subscription in connection.Subscriptions.Values.Where(s => s.Open.Consumer == consumer))
                {
                    subscription.Begins[partition.Partition] = cursor;
                    foreach ((PartitionId, Origin) key in subscription.Positions.Keys.Where(k =>
                        k.Partition == partition.Partition).ToArray())
                    {
                        subscription.Positions.Remove(key);
                    }

                    Send(connection, subscription, new Delivery
                    {
                        Subscription = subscription.Id,
                        Kind = DeliveryKind.Rewound,
                        Partition = partition.Partition,
                        Cursor = cursor,
                    });
                }
            }

            DeliverAll();
        }
    }

    public void CopyTo(ScriptedCluster other)
    {
        lock (_lock)
        {
            lock (other._lock)
            {
                foreach (((string Partition, Origin Origin) key, List<LaneEntry> lane) in _lanes)
                {
                    other._lanes.TryAdd(key, []);
                    other._lanes[key].AddRange(lane.Skip(other._lanes[key].Count));
                }

                other.DeliverAll();
            }
        }
    }

    public Task<ClusterAnswer> Take(ScriptedConnection connection, string topic, ReadOnlyMemory<byte> payload)
    {
        lock (_lock)
        {
            if (!connection.IsOpen)
            {
                throw new IOException("the connection is over");
            }

            ClusterAnswer? answer = topic switch
            {
                ProtocolTopics.Hello => Hello(connection, HelloRequest.Read(payload)!),
                ProtocolTopics.Produce => Produce(connection, payload),
                ProtocolTopics.Open => Open(connection, OpenRequest.Read(payload)!),
                ProtocolTopics.Credit => Credit(connection, payload),
                ProtocolTopics.Commit => Commit(connection, CommitRequest.Read(payload)!),
                ProtocolTopics.Resume => Resume(connection, payload),
                ProtocolTopics.Seek => Seek(connection, SeekRequest.Read(payload)!),
                ProtocolTopics.Lag => Lag(connection, LagRequest.Read(payload)!),
                ProtocolTopics.Close => Close(connection, payload),
                _ => throw new InvalidOperationException(topic),
            };
            if (Cuts?.Invoke() == true)
            {
                connection.Cut("cut in the middle");
                _connections.Remove(connection);
                return Task.FromException<ClusterAnswer>(new IOException("cut in the middle"));
            }

            return answer is { } given ? Task.FromResult(given) : new TaskCompletionSource<ClusterAnswer>().Task;
        }
    }

    private ClusterAnswer Hello(ScriptedConnection connection, HelloRequest hello)
    {
        Hellos++;
        connection.ProducerSessions[hello.Producer] = ++_session;
        _sessions[hello.Producer] = (_session, []);
        List<(StreamPartition, IReadOnlyList<HeldRun>)> held = [];
        foreach ((StreamPartition partition, long from) in hello.Waiting)
        {
            held.Add((partition, [.. Batches(partition).Where(b => b.Batch.Header.Producer == hello.Producer
                && b.Batch.Header.LastSequence >= from)
                .Select(static b => new HeldRun(b.Batch.Header.Run, b.Origin, b.Entry.BaseOffset))]));
        }

        HelloReply reply = new(hello.Correlation, Origin, held,
            [.. hello.Waiting.Select(w => (w.Partition.Stream, Partitions)).Distinct()]);
        connection.Publish(ProtocolTopics.HelloReply, Wire.Of((ref ByteWriter w) => reply.Write(ref w)));
        return Taken;
    }

    private ClusterAnswer? Produce(ScriptedConnection connection, ReadOnlyMemory<byte> payload)
    {
        Assert.True(ProduceRequest.TryRead(payload, out ProduceRequest request));
        EventBatch batch = EventBatch.Parse(request.Batch.ToArray());
        if (BeforeTaking?.Invoke(request, batch) is { } instead)
        {
            return instead.Reason == 0xFF ? null : instead;      // 0xFF: lost inside, never answered
        }

        (long session, Dictionary<StreamPartition, (ulong, long)> last) = _sessions.GetValueOrDefault(batch.Header.Producer);
        if (session == 0 || session != connection.ProducerSessions.GetValueOrDefault(batch.Header.Producer))
        {
            return new ClusterAnswer(0x83, nameof(ProduceRefusal.OlderSession), []);
        }

        if (last.GetValueOrDefault(request.Partition) != (batch.Header.PredecessorEpoch, batch.Header.PredecessorSequence))
        {
            return new ClusterAnswer(0x83, nameof(ProduceRefusal.OutOfOrder), []);
        }

        last[request.Partition] = (batch.Header.Epoch, batch.Header.LastSequence);
        List<LaneEntry> lane = Lane(request.Partition, Origin);
        Offset offset = lane.Count == 0 ? Offset.Zero : lane[^1].NextOffset;
        Twins.Add(batch.Header.MayHaveTwins);
        lane.Add(new LaneEntry
        {
            Number = new EntryNumber(lane.Count),
            Kind = EntryKind.Events,
            BaseOffset = offset,
            EventCount = batch.Header.Count,
            AppendedAt = 0,
            After = request.After.Without(Origin),
            Path = ReplicationPath.StartingAt(Origin),
            Body = batch.Bytes,
        });
        DeliverAll();
        PlacedRun placed = new(batch.Header.FirstSequence, batch.Header.LastSequence, Origin, offset);
        return LosesAnswer?.Invoke() == true ? null : new ClusterAnswer(0, string.Empty, [placed.ToString()]);
    }

    private ClusterAnswer Open(ScriptedConnection connection, OpenRequest open)
    {
        ScriptedSubscription subscription = new(open.Subscription, open);
        Dictionary<PartitionId, Cursor> local = open.Local.ToDictionary(static l => l.Partition, static l => l.Cursor);
        for (int i = 0; i < Partitions; i++)
        {
            PartitionId id = new(i);
            subscription.Begins[id] = Cursor.Join(
                Cursors.GetValueOrDefault((open.Consumer, new StreamPartition(open.Stream, id)), Cursor.Start),
                    local.GetValueOrDefault(id, Cursor.Start));
        }

        connection.Subscriptions[open.Subscription] = subscription;
        OpenReply reply = new(open.Subscription, Origin, Partitions,
            [.. subscription.Begins.Select(static b => (b.Key, b.Value))]);
        connection.Publish(ProtocolTopics.OpenReply, Wire.Of((ref ByteWriter w) => reply.Write(ref w)));
        DeliverAll();
        return Taken;
    }

    /// <summary>The number of partitions is raised: who reads is told where the new ones begin.</summary>
    public void Grow(int partitions)
    {
        lock (_lock)
        {
            foreach (ScriptedConnection connection in _connections)
            {
                foreach (ScriptedSubscription subscription in connection.Subscriptions.Values)
                {
                    List<(PartitionId, Cursor)> grown = [];
                    for (int i = Partitions; i < partitions; i++)
                    {
                        subscription.Begins[new PartitionId(i)] = Cursor.Start;
                        grown.Add((new PartitionId(i), Cursor.Start));
                    }

                    OpenReply reply = new(subscription.Open.Subscription, Origin, partitions, grown);
                    connection.Publish(ProtocolTopics.OpenReply, Wire.Of((ref ByteWriter w) => reply.Write(ref w)));
                }
            }

            Partitions = partitions;
        }
    }

    private ClusterAnswer Credit(ScriptedConnection connection, ReadOnlyMemory<byte> payload)
    {
        Assert.True(CreditGrant.TryRead(payload, out CreditGrant grant));
        if (connection.Subscriptions.TryGetValue(grant.Subscription, out ScriptedSubscription? subscription))
        {
            subscription.Credit += grant.Bytes;
            DeliverAll();
        }

        return Taken;
    }

    private ClusterAnswer Commit(ScriptedConnection connection, CommitRequest commit)
    {
        OpenRequest open = connection.Subscriptions[commit.Subscription].Open;
        (ConsumerName, StreamPartition) key = (open.Consumer, new StreamPartition(open.Stream, commit.Partition));
        Cursor known = Cursors.GetValueOrDefault(key, Cursor.Start);
        Cursors[key] = Cursor.Join(known, commit.Cursor);
        Commits++;
        if (Cursors[key].Generation.CompareTo(known.Generation) > 0)
        {
            Rewind(open.Consumer, key.Item2, Cursors[key]);
        }

        return Taken;
    }

    private ClusterAnswer Seek(ScriptedConnection connection, SeekRequest seek)
    {
        OpenRequest open = connection.Subscriptions[seek.Subscription].Open;
        SortedDictionary<int, Cursor> found = [];
        for (int i = 0; i < Partitions; i++)
        {
            StreamPartition partition = new(open.Stream, new PartitionId(i));
            Cursor known = Cursors.GetValueOrDefault((open.Consumer, partition), Cursor.Start);
            Cursor cursor = new(known.Generation, Cursor.Start.Positions, []);
            foreach (LaneBehind lane in Lanes(partition, Cursor.Start))
            {
                cursor = seek.Kind == SeekKind.Latest ? cursor.With(lane.Origin, lane.Head) : cursor;
            }

            foreach ((_, EventPlace place) in seek.Places.Where(p => p.Partition == partition.Partition))
            {
                if (Lanes(partition, Cursor.Start).All(l => l.Origin != place.Origin || l.Head < place.Offset))
                {
                    return new ClusterAnswer(0x99, $"no place {place}", []);
                }

                cursor = cursor.With(place.Origin, place.Offset);
            }

            if (seek.Kind != SeekKind.Places || cursor.Positions.Count > 0)
            {
                found.Add(i, cursor);
            }
        }

        SeekReply reply = new(seek.Subscription, Origin, [.. found.Select(static f => (new PartitionId(f.Key), f.Value))]);
        connection.Publish(ProtocolTopics.SeekReply, Wire.Of((ref ByteWriter w) => reply.Write(ref w)));
        return Taken;
    }

    private ClusterAnswer Lag(ScriptedConnection connection, LagRequest lag)
    {
        StreamPath stream = connection.Subscriptions[lag.Subscription].Open.Stream;
        LagReply reply = new(lag.Subscription, [.. lag.Cursors.SelectMany(c => Lanes(new StreamPartition(stream, c.Partition), c.Cursor))]);
        connection.Publish(ProtocolTopics.LagReply, Wire.Of((ref ByteWriter w) => reply.Write(ref w)));
        return Taken;
    }

    private IEnumerable<LaneBehind> Lanes(StreamPartition partition, Cursor at) =>
        _lanes.Where(l => l.Key.Partition == partition.ToString() && l.Value.Count > 0).Select(l =>
            new LaneBehind(partition.Partition, l.Key.Origin, at[l.Key.Origin], l.Value[^1].NextOffset,
                at[l.Key.Origin] < l.Value[^1].NextOffset ? 5_000_000 : 0));

    private ClusterAnswer Resume(ScriptedConnection connection, ReadOnlyMemory<byte> payload)
    {
        Assert.True(ResumeRequest.TryRead(payload, out ResumeRequest resume));
        connection.Subscriptions[resume.Subscription].Positions[(resume.Partition, resume.Origin)] = resume.From.Value;
        DeliverAll();
        return Taken;
    }

    private ClusterAnswer Close(ScriptedConnection connection, ReadOnlyMemory<byte> payload)
    {
        Assert.True(CloseRequest.TryRead(payload, out CloseRequest close));
        connection.Subscriptions.Remove(close.Subscription);
        return Taken;
    }

    private void DeliverAll()
    {
        foreach (ScriptedConnection connection in _connections)
        {
            foreach (ScriptedSubscription subscription in connection.Subscriptions.Values)
            {
                for (int i = 0; i < Partitions; i++)
                {
                    DeliverPartition(connection, subscription, new StreamPartition(subscription.Open.Stream, new PartitionId(i)));
                }
            }
        }
    }

    private void DeliverPartition(ScriptedConnection connection, ScriptedSubscription subscription, StreamPartition partition)
    {
        foreach ((Origin origin, LaneEntry entry, EventBatch batch) in Batches(partition))
        {
            long position = subscription.Positions.GetValueOrDefault((partition.Partition, origin),
                subscription.Begins[partition.Partition][origin].Value);
            if (subscription.Credit <= 0 || position < entry.BaseOffset.Value || position >= entry.NextOffset.Value)
            {
                continue;
            }

            subscription.Positions[(partition.Partition, origin)] = entry.NextOffset.Value;
            Send(connection, subscription, new Delivery
            {
                Subscription = subscription.Id,
                Kind = DeliveryKind.Events,
                Partition = partition.Partition,
                Origin = origin,
                From = entry.BaseOffset,
                To = entry.NextOffset,
                After = entry.After,
                Covered = [batch.Header.Run],
                BatchOffset = entry.BaseOffset,
                Batch = entry.Body,
            });
        }
    }

    private static void Send(ScriptedConnection connection, ScriptedSubscription subscription, Delivery delivery)
    {
        ArrayBufferWriter<byte> output = new();
        delivery.Write(output);
        subscription.Credit -= output.WrittenCount;
        subscription.LowestCredit = Math.Min(subscription.LowestCredit, subscription.Credit);
        connection.Publish(ProtocolTopics.Deliver, output.WrittenMemory);
    }

    private List<LaneEntry> Lane(StreamPartition partition, Origin origin)
    {
        if (!_lanes.TryGetValue((partition.ToString(), origin), out List<LaneEntry>? lane))
        {
            _lanes.Add((partition.ToString(), origin), lane = []);
        }

        return lane;
    }

    private IEnumerable<(Origin Origin, LaneEntry Entry, EventBatch Batch)> Batches(StreamPartition partition) =>
        _lanes.Where(l => l.Key.Partition == partition.ToString())
            .SelectMany(static l => l.Value.Select(e => (l.Key.Origin, e, EventBatch.Parse(e.Body))));
}
