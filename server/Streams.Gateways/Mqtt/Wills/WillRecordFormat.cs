using System.Buffers;
using Streams.Core;

namespace Streams.Gateways;

/// <summary>The bytes of a will, drawn in docs/mqtt.md.</summary>
/// <remarks>Version 1. A will may be longer than a register: then what does not fit stands in further ones (<see cref="WillStore"/>), whose
/// number stands behind the version.</remarks>
internal static class WillRecordFormat
{
    private const byte Version = 1;
    private const byte RetainFlag = 1;
    private const int MaxClientBytes = 64 << 10;

    /// <summary>Where the number of registers stands.</summary>
    public const int PartsAt = 1;

    /// <summary>Writes the will.</summary>
    public static byte[] Write(WillRecord record)
    {
        ArrayBufferWriter<byte> output = new();
        ByteWriter writer = new(output);
        writer.Byte(Version);
        writer.Byte(1);
        writer.UInt64((ulong)record.GoneAt);
        writer.UInt32(record.DelaySeconds);
        writer.UInt32(record.ExpirySeconds);
        writer.Producer(record.Identity.Producer);
        writer.UInt64(record.Identity.Epoch);
        writer.Varint((ulong)record.Identity.Sequence);
        writer.Text(record.ClientId);
        writer.Text(record.Owner);
        writer.Byte(record.Retain ? RetainFlag : (byte)0);
        writer.Text(record.Topic);
        writer.Block(record.Headers.Span);
        writer.Block(record.Payload.Span);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Reads a will; <see langword="null"/> when the bytes are none of a version known here. It keeps slices of them.</summary>
    public static WillRecord? Read(ReadOnlyMemory<byte> value)
    {
        ByteReader reader = new(value);
        byte version = reader.Byte();
        reader.Byte();
        long goneAt = reader.Count64();
        uint delay = reader.UInt32();
        uint expiry = reader.UInt32();
        EventIdentity identity = new(reader.Producer(), reader.UInt64(), reader.Varint(long.MaxValue));
        string client = reader.Text(MaxClientBytes);
        string owner = reader.Text(EventHeader.MaxNameBytes);
        byte flags = reader.Byte();
        WillRecord record = new()
        {
            ClientId = client,
            Owner = owner,
            DelaySeconds = delay,
            ExpirySeconds = expiry,
            GoneAt = goneAt,
            Identity = identity,
            Retain = (flags & RetainFlag) != 0,
            Topic = reader.Text(ushort.MaxValue),
            Headers = reader.Block(EventLimits.MaxHeaderBytes),
            Payload = reader.Block(ushort.MaxValue),
        };
        return version == Version && flags <= RetainFlag && identity.Sequence > 0 && reader.AtEnd ? record : null;
    }
}
