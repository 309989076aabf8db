using System.Buffers;
using System.Text;
using Streams.Core;

namespace Streams.Client.Tests;

/// <summary>The events of a fleet in memory, as the store of an agent keeps them: what is told survives the sender, not the events that a
/// cluster holds.</summary>
internal sealed class MemoryFleet(int partitions) : IManyWaitingEvents
{
    public static readonly StreamPath Stream = StreamPath.Parse("/fleet");

    private readonly Lock _lock = new();
    private readonly Dictionary<(ProducerId Producer, StreamPartition Partition), Line> _lines = [];
    private readonly EventBatchBuilder _builder = new();
    private Action<IReadOnlyList<ArrivedRun>>? _arrived;

    private sealed class Line
    {
        public long Highest { get; set; }

        public SortedDictionary<long, (ulong Epoch, string Topic)> Waiting { get; } = [];

        public IReadOnlyList<EventPlace> Stand { get; set; } = [];
    }

    /// <summary>The epoch of events that come now.</summary>
    public ulong Epoch { get; set; } = 1;

    /// <summary>Those that cannot be read now.</summary>
    public HashSet<ProducerId> Unreadable { get; } = [];

    /// <summary>What was refused for good, as "first-last".</summary>
    public List<(ProducerId Producer, long First, long Last)> Parked { get; } = [];

    public int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _lines.Values.Sum(static l => l.Waiting.Count);
            }
        }
    }

    public IEnumerable<RestoredProducer> Restored
    {
        get
        {
            lock (_lock)
            {
                return [.. _lines.Where(static l => l.Value.Waiting.Count > 0).GroupBy(static l => l.Key.Producer).Select(g =>
                    new RestoredProducer(g.Key, [.. g.Select(static l => new RestoredPartition(l.Key.Partition, l.Value.Highest,
                        Runs(l.Value), l.Value.Stand))]))];
            }
        }
    }

    public void Tell(Action<IReadOnlyList<ArrivedRun>> arrived) => _arrived = arrived;

    /// <summary>A device publishes.</summary>
    public void Publish(ProducerId producer, int partition, int count, string topic = "t")
    {
        StreamPartition place = new(Stream, new PartitionId(partition % partitions));
        ArrivedRun run;
        lock (_lock)
        {
            if (!_lines.TryGetValue((producer, place), out Line? line))
            {
                _lines.Add((producer, place), line = new Line());
            }

            run = new ArrivedRun(producer, place, Epoch, line.Highest + 1, line.Highest + count, count * 30);
            for (int i = 0; i < count; i++)
            {
                line.Waiting.Add(++line.Highest, (Epoch, topic));
            }
        }

        _arrived?.Invoke([run]);
    }

    /// <summary>The last sequence that a device gave in a partition.</summary>
    public long Highest(ProducerId producer, StreamPartition partition)
    {
        lock (_lock)
        {
            return _lines.TryGetValue((producer, partition), out Line? line) ? line.Highest : 0;
        }
    }

    public IReadOnlyList<EventPlace> Stand(ProducerId producer, StreamPartition partition)
    {
        lock (_lock)
        {
            return _lines.TryGetValue((producer, partition), out Line? line) ? line.Stand : [];
        }
    }

    public long Read(StreamPartition partition, EventIdentity first, long last, int maxBytes, out int bodyBytes, out bool oneTopic)
    {
        lock (_lock)
        {
            if (Unreadable.Contains(first.Producer))
            {
                throw new StorageFailedException("this page of the disk is gone");
            }

            Line line = _lines[(first.Producer, partition)];
            long sequence = first.Sequence;
            HashSet<string> topics = [];
            for (; sequence <= last; sequence++)
            {
                (ulong epoch, string topic) = line.Waiting[sequence];
                Assert.Equal(first.Epoch, epoch);
                if (sequence > first.Sequence && _builder.Bytes - BatchHeader.Size >= maxBytes)
                {
                    break;
                }

                topics.Add(topic);
                Assert.True(_builder.TryAdd(Encoding.UTF8.GetBytes(topic), default, default,
                    Encoding.UTF8.GetBytes($"{first.Producer}:{sequence}"), 0));
            }

            bodyBytes = _builder.Bytes - BatchHeader.Size;
            oneTopic = topics.Count == 1;
            return sequence - 1;
        }
    }

    public BatchHeader Write(OutgoingBatch batch, BatchCompression compression, IBufferWriter<byte> output)
    {
        BatchHeader head = _builder.Write(batch.First, batch.Predecessor, batch.MayHaveTwins, output, compression);
        _builder.Clear();
        return head;
    }

    public void Drop() => _builder.Clear();

    public ValueTask LearnAsync(StreamPath stream, int learnt) => ValueTask.CompletedTask;

    public ValueTask ConfirmAsync(IReadOnlyList<ConfirmedProducer> confirmed)
    {
        lock (_lock)
        {
            foreach (ConfirmedProducer producer in confirmed)
            {
                foreach (ConfirmedRun run in producer.Runs)
                {
                    Remove(producer.Producer, run.Partition, run.Placed.First, run.Placed.Last);
                }

                foreach ((StreamPartition partition, IReadOnlyList<EventPlace> places) in producer.Stands)
                {
                    _lines[(producer.Producer, partition)].Stand = places;
                }
            }
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask ParkAsync(ProducerId producer, ClusterName cluster, StreamPartition partition, long first, long last, string reason)
    {
        lock (_lock)
        {
            Remove(producer, partition, first, last);
            Parked.Add((producer, first, last));
        }

        return ValueTask.CompletedTask;
    }

    public void Dispose() => _arrived = null;

    private void Remove(ProducerId producer, StreamPartition partition, long first, long last)
    {
        for (long sequence = first; sequence <= last; sequence++)
        {
            Assert.True(_lines[(producer, partition)].Waiting.Remove(sequence), $"{producer} {sequence} was confirmed twice");
        }
    }

    private static List<(ulong Epoch, long First, long Last)> Runs(Line line)
    {
        List<(ulong Epoch, long First, long Last)> runs = [];
        foreach ((long sequence, (ulong epoch, _)) in line.Waiting)
        {
            if (runs.Count > 0 && runs[^1].Epoch == epoch && runs[^1].Last == sequence - 1)
            {
                runs[^1] = (epoch, runs[^1].First, sequence);
            }
            else
            {
                runs.Add((epoch, sequence, sequence));
            }
        }

        return runs;
    }
}
