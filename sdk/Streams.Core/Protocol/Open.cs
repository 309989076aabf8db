namespace Streams.Core;

/// <summary>Where a consumer begins that has no cursor yet, neither here nor locally.</summary>
public enum StartPosition : byte
{
    /// <summary>With the first event kept.</summary>
    Earliest = 0,

    /// <summary>With the first event that arrives after it opened.</summary>
    Latest = 1,
}

/// <summary>A consumer opens a stream under its cursor's name. One connection may have several subscriptions.</summary>
/// <param name="Subscription">Number chosen by the client, unique on its connection.</param>
/// <param name="Consumer">The cursor's name.</param>
/// <param name="Stream">The stream.</param>
/// <param name="Filters">MQTT topic filters on the topics within the stream; none means all.</param>
/// <param name="Start">For a consumer without any cursor.</param>
/// <param name="CreditBytes">Bytes of deliveries the client can take before it grants more.</param>
/// <param name="Local">The cursors that the client kept; the join of both counts.</param>
public sealed record OpenRequest(uint Subscription, ConsumerName Consumer, StreamPath Stream, IReadOnlyList<string> Filters,
    StartPosition Start,
    uint CreditBytes, IReadOnlyList<(PartitionId Partition, Cursor Cursor)> Local)
{
    /// <summary>Most filters of one subscription.</summary>
    public const int MaxFilters = 256;

    /// <summary>Writes the request.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.UInt32(Subscription);
        writer.Text(Consumer.Value);
        writer.Text(Stream.Value);
        writer.Varint((ulong)Filters.Count);
        foreach (string filter in Filters)
        {
            writer.Text(filter);
        }

        writer.Byte((byte)Start);
        writer.UInt32(CreditBytes);
        OpenReply.WriteCursors(ref writer, Local);
    }

    /// <summary>Reads a request; <see langword="null"/> when it is malformed. Filters are not checked here.</summary>
    public static OpenRequest? Read(ReadOnlyMemory<byte> payload)
    {
        ByteReader reader = new(payload);
        uint subscription = reader.UInt32();
        ConsumerName consumer = reader.Consumer();
        StreamPath stream = reader.Stream();
        int count = (int)reader.Varint(MaxFilters);
        List<string> filters = [];
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            filters.Add(reader.Text(TopicName.MaxBytes));
        }

        byte start = reader.Byte();
        uint credit = reader.UInt32();
        List<(PartitionId, Cursor)> local = OpenReply.ReadCursors(ref reader);
        return reader.AtEnd && start <= (byte)StartPosition.Latest
            ? new OpenRequest(subscription, consumer, stream, filters, (StartPosition)start, credit, local) : null;
    }
}

/// <summary>The answer to an <see cref="OpenRequest"/>; deliveries follow from these cursors on.</summary>
/// <param name="Subscription">Of the request.</param>
/// <param name="Origin">The cluster and its incarnation.</param>
/// <param name="Partitions">Partitions of the stream.</param>
/// <param name="Cursors">For each partition where reading begins: the join of the cluster's and the client's cursor.</param>
public sealed record OpenReply(uint Subscription, Origin Origin, int Partitions, IReadOnlyList<(PartitionId Partition,
    Cursor Cursor)> Cursors)
{
    /// <summary>Writes the answer.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.UInt32(Subscription);
        writer.Origin(Origin);
        writer.Varint((ulong)Partitions);
        WriteCursors(ref writer, Cursors);
    }

    /// <summary>Reads an answer; <see langword="null"/> when it is malformed.</summary>
    public static OpenReply? Read(ReadOnlyMemory<byte> payload)
    {
        ByteReader reader = new(payload);
        OpenReply reply = new(reader.UInt32(), reader.Origin(), (int)reader.Varint(PartitionId.MaxCount), ReadCursors(ref reader));
        return reader.AtEnd ? reply : null;
    }

    internal static void WriteCursors(ref ByteWriter writer, IReadOnlyList<(PartitionId Partition, Cursor Cursor)> cursors)
    {
        writer.Varint((ulong)cursors.Count);
        foreach ((PartitionId partition, Cursor cursor) in cursors)
        {
            writer.Partition(partition);
            cursor.Write(ref writer);
        }
    }

    internal static List<(PartitionId Partition, Cursor Cursor)> ReadCursors(ref ByteReader reader)
    {
        List<(PartitionId, Cursor)> cursors = [];
        int count = (int)reader.Varint(PartitionId.MaxCount);
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            cursors.Add((reader.Partition(), Cursor.Read(ref reader)));
        }

        return cursors;
    }
}
