using System.Buffers.Binary;
using Streams.Core;

namespace Streams.Gateways;

/// <summary>The beginning of a session's register, which is enough to know when the session is over
/// (<see cref="SessionRecordFormat"/>).</summary>
internal readonly record struct SessionHead(uint ExpirySeconds, long GoneAt, string Owner)
{
    private const int GoneAtPlace = 1 + 4;

    /// <summary>Reads it; <see langword="null"/> when the bytes are no session of a version known here.</summary>
    public static SessionHead? Read(ReadOnlyMemory<byte> value)
    {
        ByteReader reader = new(value);
        byte version = reader.Byte();
        uint expiry = reader.UInt32();
        long goneAt = reader.Count64();
        string owner = reader.Text(EventHeader.MaxNameBytes);
        return reader.Failed || version is < 1 or > SessionRecordFormat.Version ? null : new SessionHead(expiry, goneAt, owner);
    }

    /// <summary>The same register with another moment at which the client went.</summary>
    public static byte[] WithGoneAt(ReadOnlyMemory<byte> value, long goneAt)
    {
        byte[] bytes = value.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(GoneAtPlace), goneAt);
        return bytes;
    }
}
