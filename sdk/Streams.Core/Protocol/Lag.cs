namespace Streams.Core;

/// <summary>A consumer asks how far it is behind what the cluster has.</summary>
/// <param name="Subscription">The subscription.</param>
/// <param name="Cursors">Where it is.</param>
public sealed record LagRequest(uint Subscription, IReadOnlyList<(PartitionId Partition, Cursor Cursor)> Cursors)
{
    /// <summary>Writes the request.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.UInt32(Subscription);
        OpenReply.WriteCursors(ref writer, Cursors);
    }

    /// <summary>Reads a request; <see langword="null"/> when it is malformed.</summary>
    public static LagRequest? Read(ReadOnlyMemory<byte> payload)
    {
        ByteReader reader = new(payload);
        LagRequest request = new(reader.UInt32(), OpenReply.ReadCursors(ref reader));
        return reader.AtEnd ? request : null;
    }
}

/// <summary>One lane of a <see cref="LagReply"/>.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Origin">The lane.</param>
/// <param name="Next">Where the consumer is, but not before the first event kept.</param>
/// <param name="Head">Behind the last event that is at the cluster.</param>
/// <param name="Behind">Microseconds since the event at <paramref name="Next"/> was appended, by the clocks of its origin and of the
/// cluster that answers; 0 when there is none.</param>
public readonly record struct LaneBehind(PartitionId Partition, Origin Origin, Offset Next, Offset Head, long Behind);

/// <summary>The answer to a <see cref="LagRequest"/>: all lanes of the partitions that it names.</summary>
/// <param name="Subscription">Of the request.</param>
/// <param name="Lanes">The lanes.</param>
public sealed record LagReply(uint Subscription, IReadOnlyList<LaneBehind> Lanes)
{
    private const int MaxLanes = 1 << 20;

    /// <summary>Writes the answer.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.UInt32(Subscription);
        writer.Varint((ulong)Lanes.Count);
        foreach (LaneBehind lane in Lanes)
        {
            writer.Partition(lane.Partition);
            writer.Origin(lane.Origin);
            writer.Offset(lane.Next);
            writer.Offset(lane.Head);
            writer.Varint((ulong)lane.Behind);
        }
    }

    /// <summary>Reads an answer; <see langword="null"/> when it is malformed.</summary>
    public static LagReply? Read(ReadOnlyMemory<byte> payload)
    {
        ByteReader reader = new(payload);
        uint subscription = reader.UInt32();
        int count = (int)reader.Varint(MaxLanes);
        List<LaneBehind> lanes = [];
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            lanes.Add(new LaneBehind(reader.Partition(), reader.Origin(), reader.Offset(), reader.Offset(), reader.Varint(long.MaxValue)));
        }

        return reader.AtEnd ? new LagReply(subscription, lanes) : null;
    }
}
