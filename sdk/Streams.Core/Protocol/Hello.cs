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
        WriteWaiting(ref writer, Waiting);
    }

    /// <summary>Reads a request; <see langword="null"/> when it is malformed.</summary>
    public static HelloRequest? Read(ReadOnlyMemory<byte> payload)
    {
        ByteReader reader = new(payload);
        uint correlation = reader.UInt32();
        ProducerId producer = reader.Producer();
        List<(StreamPartition, long)> waiting = ReadWaiting(ref reader);
        return reader.AtEnd ? new HelloRequest(correlation, producer, waiting) : null;
    }

    internal static void WriteWaiting(ref ByteWriter writer, IReadOnlyList<(StreamPartition Partition, long From)> waiting)
    {
        writer.Varint((ulong)waiting.Count);
        foreach ((StreamPartition partition, long from) in waiting)
        {
            writer.StreamPartition(partition);
            writer.Varint((ulong)from);
        }
    }

    internal static List<(StreamPartition Partition, long From)> ReadWaiting(ref ByteReader reader)
    {
        int count = (int)reader.Varint(MaxPartitions);
        List<(StreamPartition, long)> waiting = [];
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            waiting.Add((reader.StreamPartition(), reader.Varint(long.MaxValue)));
        }

        return waiting;
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
        WriteHeld(ref writer, Held);
        WriteStreams(ref writer, Streams);
    }

    /// <summary>Reads an answer; <see langword="null"/> when it is malformed.</summary>
    public static HelloReply? Read(ReadOnlyMemory<byte> payload)
    {
        ByteReader reader = new(payload);
        uint correlation = reader.UInt32();
        Origin origin = reader.Origin();
        IReadOnlyList<(StreamPartition, IReadOnlyList<HeldRun>)> held = ReadHeld(ref reader);
        IReadOnlyList<(StreamPath, int)> streams = ReadStreams(ref reader);
        return reader.AtEnd ? new HelloReply(correlation, origin, held, streams) : null;
    }

    internal static void WriteHeld(ref ByteWriter writer, IReadOnlyList<(StreamPartition Partition, IReadOnlyList<HeldRun> Runs)> held)
    {
        writer.Varint((ulong)held.Count);
        foreach ((StreamPartition partition, IReadOnlyList<HeldRun> runs) in held)
        {
            writer.StreamPartition(partition);
            writer.Varint((ulong)runs.Count);
            foreach (HeldRun run in runs)
            {
                WriteRun(ref writer, run);
            }
        }
    }

    internal static void WriteStreams(ref ByteWriter writer, IReadOnlyList<(StreamPath Stream, int Partitions)> streams)
    {
        writer.Varint((ulong)streams.Count);
        foreach ((StreamPath stream, int partitions) in streams)
        {
            writer.Text(stream.Value);
            writer.Varint((ulong)partitions);
        }
    }

    internal static IReadOnlyList<(StreamPartition Partition, IReadOnlyList<HeldRun> Runs)> ReadHeld(ref ByteReader reader)
    {
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

        return held;
    }

    internal static IReadOnlyList<(StreamPath Stream, int Partitions)> ReadStreams(ref ByteReader reader)
    {
        List<(StreamPath, int)> streams = [];
        int count = (int)reader.Varint(HelloRequest.MaxPartitions);
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            streams.Add((reader.Stream(), (int)reader.Varint(PartitionId.MaxCount)));
        }

        return streams;
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
