namespace Streams.Core;

/// <summary>Where a consumer wants to go on.</summary>
public enum SeekKind : byte
{
    /// <summary>To the first event kept of each lane.</summary>
    Earliest = 0,

    /// <summary>Behind the last event of each lane.</summary>
    Latest = 1,

    /// <summary>To what was appended at or behind a time, by the clock of each lane's origin.</summary>
    Time = 2,

    /// <summary>To places named; all other lanes stay.</summary>
    Places = 3,
}

/// <summary>A consumer asks where to go on. Nothing is moved by it: the client makes a new generation of its cursor from the answer (rule
/// R11), keeps it, and commits it.</summary>
/// <param name="Subscription">The subscription.</param>
/// <param name="Kind">What is looked for.</param>
/// <param name="Time">Microseconds since 1970; only for <see cref="SeekKind.Time"/>.</param>
/// <param name="Places">Only for <see cref="SeekKind.Places"/>: at most <see cref="MaxPlaces"/>.</param>
public sealed record SeekRequest(uint Subscription, SeekKind Kind, long Time,
    IReadOnlyList<(PartitionId Partition, EventPlace Place)> Places)
{
    /// <summary>Most places of one request.</summary>
    public const int MaxPlaces = 16_384;

    /// <summary>Writes the request.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.UInt32(Subscription);
        writer.Byte((byte)Kind);
        writer.SignedVarint(Time);
        writer.Varint((ulong)Places.Count);
        foreach ((PartitionId partition, EventPlace place) in Places)
        {
            writer.Partition(partition);
            writer.Origin(place.Origin);
            writer.Offset(place.Offset);
        }
    }

    /// <summary>Reads a request; <see langword="null"/> when it is malformed.</summary>
    public static SeekRequest? Read(ReadOnlyMemory<byte> payload)
    {
        ByteReader reader = new(payload);
        uint subscription = reader.UInt32();
        byte kind = reader.Byte();
        long time = reader.SignedVarint();
        int count = (int)reader.Varint(MaxPlaces);
        List<(PartitionId, EventPlace)> places = [];
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            places.Add((reader.Partition(), new EventPlace(reader.Origin(), reader.Offset())));
        }

        return reader.AtEnd && kind <= (byte)SeekKind.Places ? new SeekRequest(subscription, (SeekKind)kind, time, places) : null;
    }
}

/// <summary>The answer to a <see cref="SeekRequest"/>.</summary>
/// <param name="Subscription">Of the request.</param>
/// <param name="Origin">The cluster and its incarnation.</param>
/// <param name="Cursors">For each partition that was meant: the generation that is known there, and the places found. Lanes not named
/// begin at their beginning, or stay where only places were asked for.</param>
public sealed record SeekReply(uint Subscription, Origin Origin, IReadOnlyList<(PartitionId Partition, Cursor Cursor)> Cursors)
{
    /// <summary>Writes the answer.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.UInt32(Subscription);
        writer.Origin(Origin);
        OpenReply.WriteCursors(ref writer, Cursors);
    }

    /// <summary>Reads an answer; <see langword="null"/> when it is malformed.</summary>
    public static SeekReply? Read(ReadOnlyMemory<byte> payload)
    {
        ByteReader reader = new(payload);
        SeekReply reply = new(reader.UInt32(), reader.Origin(), OpenReply.ReadCursors(ref reader));
        return reader.AtEnd ? reply : null;
    }
}
