namespace Streams.Core;

/// <summary>A producer presents itself (section 4 of the architecture): from now on this connection is its newest session here (rule
/// R2).</summary>
/// <param name="Correlation">Comes back in the answer.</param>
/// <param name="Producer">The producer.</param>
/// <param name="Waiting">For each partition with events waiting in the outbox: the lowest sequence that waits.</param>
public sealed record HelloRequest(uint Correlation, ProducerId Producer, IReadOnlyList<(StreamPartition Partition, long From)> Waiting)
{
    /// <summary>Most partitions of one request.</summary>
    public const int MaxPartitions = 16_384;

    /// <summary>Writes the request.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.UInt32(Correlation);
        writer.Producer(Producer);
        writer.Varint((ulong)Waiting.Count);
        foreach ((StreamPartition partition, long from) in Waiting)
        {
            writer.StreamPartition(partition);
            writer.Varint((ulong)from);
        }
    }

    /// <summary>Reads a request; <see langword="null"/> when it is malformed.</summary>
    public static HelloRequest? Read(ReadOnlyMemory<byte> payload)
    {
        ByteReader reader = new(payload);
        uint correlation = reader.UInt32();
        ProducerId producer = reader.Producer();
        int count = (int)reader.Varint(MaxPartitions);
        List<(StreamPartition, long)> waiting = [];
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            waiting.Add((reader.StreamPartition(), reader.Varint(long.MaxValue)));
        }

        return reader.AtEnd ? new HelloRequest(correlation, producer, waiting) : null;
    }
}

/// <summary>What the cluster holds, flushed, of what waits in the outbox (rules R1, R3), and how many partitions the streams
/// have.</summary>
/// <param name="Correlation">Of the request.</param>
/// <param name="Origin">The cluster and its incarnation: the own lane of this session.</param>
/// <param name="Held">For each partition asked for: the runs that end at or behind the sequence asked from, over all epochs and
/// lanes.</param>
/// <param name="Streams">The partitions of each stream asked for.</param>
public sealed record HelloReply(uint Correlation, Origin Origin, IReadOnlyList<(StreamPartition Partition,
    IReadOnlyList<HeldRun> Runs)> Held,
    IReadOnlyList<(StreamPath Stream, int Partitions)> Streams)
{
    private const int MaxRuns = 1 << 20;

    /// <summary>Writes the answer.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.UInt32(Correlation);
        writer.Origin(Origin);
        writer.Varint((ulong)Held.Count);
        foreach ((StreamPartition partition, IReadOnlyList<HeldRun> runs) in Held)
        {
            writer.StreamPartition(partition);
            writer.Varint((ulong)runs.Count);
            foreach (HeldRun run in runs)
            {
                WriteRun(ref writer, run);
            }
        }

        writer.Varint((ulong)Streams.Count);
        foreach ((StreamPath stream, int partitions) in Streams)
        {
            writer.Text(stream.Value);
            writer.Varint((ulong)partitions);
        }
    }

    /// <summary>Reads an answer; <see langword="null"/> when it is malformed.</summary>
    public static HelloReply? Read(ReadOnlyMemory<byte> payload)
    {
        ByteReader reader = new(payload);
        uint correlation = reader.UInt32();
        Origin origin = reader.Origin();
        List<(StreamPartition, IReadOnlyList<HeldRun>)> held = [];
        int count = (int)reader.Varint(HelloRequest.MaxPartitions);
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            StreamPartition partition = reader.StreamPartition();
            List<HeldRun> runs = [];
            int n = (int)reader.Varint(MaxRuns);
            for (int j = 0; j < n && !reader.Failed; j++)
            {
                runs.Add(ReadRun(ref reader));
            }

            held.Add((partition, runs));
        }

        List<(StreamPath, int)> streams = [];
        count = (int)reader.Varint(HelloRequest.MaxPartitions);
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            streams.Add((reader.Stream(), (int)reader.Varint(PartitionId.MaxCount)));
        }

        return reader.AtEnd ? new HelloReply(correlation, origin, held, streams) : null;
    }

    /// <summary>Writes a held run.</summary>
    public static void WriteRun(ref ByteWriter writer, in HeldRun run)
    {
        writer.Run(run.Run);
        writer.Origin(run.Origin);
        writer.Offset(run.FirstOffset);
    }

    /// <summary>Reads a held run.</summary>
    public static HeldRun ReadRun(ref ByteReader reader) => new(reader.Run(), reader.Origin(), reader.Offset());
}
