namespace Streams.Core;

/// <summary>Reading and writing the words of the system, the same way in every format.</summary>
public static class NameBytes
{
    /// <summary>Reads an offset.</summary>
    public static Offset Offset(this ref ByteReader reader) => new(reader.Varint(long.MaxValue));

    /// <summary>Reads an entry number.</summary>
    public static EntryNumber Entry(this ref ByteReader reader) => new(reader.Varint(long.MaxValue));

    /// <summary>Reads a cluster name.</summary>
    public static ClusterName Cluster(this ref ByteReader reader)
    {
        if (!ClusterName.TryParse(reader.Text(ClusterName.MaxLength), out ClusterName name, out _))
        {
            reader.Fail();
        }

        return name;
    }

    /// <summary>Reads a stream path.</summary>
    public static StreamPath Stream(this ref ByteReader reader)
    {
        if (!StreamPath.TryParse(reader.Text(StreamPath.MaxBytes), out StreamPath path, out _))
        {
            reader.Fail();
        }

        return path;
    }

    /// <summary>Reads a consumer name.</summary>
    public static ConsumerName Consumer(this ref ByteReader reader)
    {
        if (!ConsumerName.TryParse(reader.Text(ConsumerName.MaxBytes), out ConsumerName name, out _))
        {
            reader.Fail();
        }

        return name;
    }

    /// <summary>Reads a topic name.</summary>
    public static TopicName Topic(this ref ByteReader reader)
    {
        if (!TopicName.TryParse(reader.Text(TopicName.MaxBytes), out TopicName name, out _))
        {
            reader.Fail();
        }

        return name;
    }

    /// <summary>Reads a partition.</summary>
    public static PartitionId Partition(this ref ByteReader reader) => new((int)reader.Varint(PartitionId.MaxCount - 1));

    /// <summary>Reads a stream's partition.</summary>
    public static StreamPartition StreamPartition(this ref ByteReader reader) => new(reader.Stream(), reader.Partition());

    /// <summary>Reads an origin.</summary>
    public static Origin Origin(this ref ByteReader reader) => new(reader.Cluster(), new Incarnation(reader.UInt64()));

    /// <summary>Reads a lane.</summary>
    public static LaneId Lane(this ref ByteReader reader) => new(reader.StreamPartition(), reader.Origin());

    /// <summary>Reads a producer.</summary>
    public static ProducerId Producer(this ref ByteReader reader)
    {
        ReadOnlySpan<byte> bytes = reader.Bytes(ProducerId.Size).Span;
        return reader.Failed ? default : ProducerId.Read(bytes);
    }

    /// <summary>Reads a hybrid timestamp.</summary>
    public static HybridTimestamp Hybrid(this ref ByteReader reader) => new(reader.UInt64(), reader.Cluster());

    /// <summary>Reads a run of sequences.</summary>
    public static SequenceRun Run(this ref ByteReader reader)
    {
        ProducerId producer = reader.Producer();
        ulong epoch = reader.UInt64();
        long first = reader.Varint(long.MaxValue);
        long more = reader.Varint(long.MaxValue);
        if (more > long.MaxValue - first)
        {
            reader.Fail();
            return default;
        }

        return new SequenceRun(producer, epoch, first, first + more);
    }

    /// <summary>Writes an offset.</summary>
    public static void Offset(this ref ByteWriter writer, Offset value) => writer.Varint((ulong)value.Value);

    /// <summary>Writes an entry number.</summary>
    public static void Entry(this ref ByteWriter writer, EntryNumber value) => writer.Varint((ulong)value.Value);

    /// <summary>Writes a partition.</summary>
    public static void Partition(this ref ByteWriter writer, PartitionId value) => writer.Varint(value.Value);

    /// <summary>Writes a stream's partition.</summary>
    public static void StreamPartition(this ref ByteWriter writer, StreamPartition value)
    {
        writer.Text(value.Stream.Value);
        writer.Partition(value.Partition);
    }

    /// <summary>Writes an origin.</summary>
    public static void Origin(this ref ByteWriter writer, Origin value)
    {
        writer.Text(value.Cluster.Value);
        writer.UInt64(value.Incarnation.Value);
    }

    /// <summary>Writes a lane.</summary>
    public static void Lane(this ref ByteWriter writer, LaneId value)
    {
        writer.StreamPartition(value.Partition);
        writer.Origin(value.Origin);
    }

    /// <summary>Writes a producer.</summary>
    public static void Producer(this ref ByteWriter writer, ProducerId value)
    {
        Span<byte> bytes = stackalloc byte[ProducerId.Size];
        value.Write(bytes);
        writer.Bytes(bytes);
    }

    /// <summary>Writes a hybrid timestamp.</summary>
    public static void Hybrid(this ref ByteWriter writer, HybridTimestamp value)
    {
        writer.UInt64(value.Value);
        writer.Text(value.Cluster.Value);
    }

    /// <summary>Writes a run of sequences.</summary>
    public static void Run(this ref ByteWriter writer, SequenceRun value)
    {
        writer.Producer(value.Producer);
        writer.UInt64(value.Epoch);
        writer.Varint((ulong)value.First);
        writer.Varint((ulong)(value.Last - value.First));
    }
}
