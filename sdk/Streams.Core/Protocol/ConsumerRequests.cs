namespace Streams.Core;

/// <summary>The client has confirmed this cursor in one partition (rule R19d). It joins with what the cluster has.</summary>
/// <param name="Subscription">The subscription.</param>
/// <param name="Partition">The partition.</param>
/// <param name="Cursor">The cursor, in the generation that the subscription was opened or rewound to.</param>
public sealed record CommitRequest(uint Subscription, PartitionId Partition, Cursor Cursor)
{
    /// <summary>Writes the request.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.UInt32(Subscription);
        writer.Partition(Partition);
        Cursor.Write(ref writer);
    }

    /// <summary>Reads a request; <see langword="null"/> when it is malformed.</summary>
    public static CommitRequest? Read(ReadOnlyMemory<byte> payload)
    {
        ByteReader reader = new(payload);
        CommitRequest request = new(reader.UInt32(), reader.Partition(), Cursor.Read(ref reader));
        return reader.AtEnd ? request : null;
    }
}

/// <summary>The client can take so many bytes of deliveries more.</summary>
/// <param name="Subscription">The subscription.</param>
/// <param name="Bytes">Payload bytes of <see cref="Delivery"/> messages.</param>
public readonly record struct CreditGrant(uint Subscription, uint Bytes)
{
    /// <summary>Writes the grant.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.UInt32(Subscription);
        writer.UInt32(Bytes);
    }

    /// <summary>Reads a grant; false when it is malformed.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> payload, out CreditGrant grant)
    {
        ByteReader reader = new(payload);
        grant = new CreditGrant(reader.UInt32(), reader.UInt32());
        return reader.AtEnd;
    }
}

/// <summary>The client had no room to hold an event back and threw away what followed in its lane: send the lane again from here (rule
/// R19f).</summary>
/// <param name="Subscription">The subscription.</param>
/// <param name="Partition">The partition.</param>
/// <param name="Origin">The lane.</param>
/// <param name="From">The next offset wanted.</param>
public readonly record struct ResumeRequest(uint Subscription, PartitionId Partition, Origin Origin, Offset From)
{
    /// <summary>Writes the request.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.UInt32(Subscription);
        writer.Partition(Partition);
        writer.Origin(Origin);
        writer.Offset(From);
    }

    /// <summary>Reads a request; false when it is malformed.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> payload, out ResumeRequest request)
    {
        ByteReader reader = new(payload);
        request = new ResumeRequest(reader.UInt32(), reader.Partition(), reader.Origin(), reader.Offset());
        return reader.AtEnd;
    }
}

/// <summary>The client wants no more of this subscription; its cursor stays.</summary>
/// <param name="Subscription">The subscription.</param>
public readonly record struct CloseRequest(uint Subscription)
{
    /// <summary>Writes the request.</summary>
    public void Write(ref ByteWriter writer) => writer.UInt32(Subscription);

    /// <summary>Reads a request; false when it is malformed.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> payload, out CloseRequest request)
    {
        ByteReader reader = new(payload);
        request = new CloseRequest(reader.UInt32());
        return reader.AtEnd;
    }
}
