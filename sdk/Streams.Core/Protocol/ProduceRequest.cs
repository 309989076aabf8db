namespace Streams.Core;

/// <summary>A batch for one partition, with what must be passed before it (rules R4, R5).</summary>
/// <param name="Partition">The partition all its events belong to.</param>
/// <param name="After">Where the producer's earlier events stand.</param>
/// <param name="Batch">The bytes of an <see cref="EventBatch"/>; a slice of the payload when read.</param>
public readonly record struct ProduceRequest(StreamPartition Partition, AfterVector After, ReadOnlyMemory<byte> Batch)
{
    /// <summary>Writes all but the batch, which follows to the end of the payload.</summary>
    public void WriteHead(ref ByteWriter writer)
    {
        writer.StreamPartition(Partition);
        After.Write(ref writer);
    }

    /// <summary>Reads a request; false when its head is malformed. The batch is not checked here.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> payload, out ProduceRequest request)
    {
        ByteReader reader = new(payload);
        request = new ProduceRequest(reader.StreamPartition(), AfterVector.Read(ref reader), reader.Rest());
        return !reader.Failed;
    }
}
