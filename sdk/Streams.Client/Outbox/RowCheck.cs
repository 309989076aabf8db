using System.Buffers.Binary;
using Streams.Core;

namespace Streams.Client;

/// <summary>The checksum of an event's row (column <c>crc</c>): of its content and of its place, so that neither may change unnoticed. Rows
/// of format 1 have none.</summary>
/// <remarks>What an event counts (<c>bytes</c>) is not in it: that follows from the content.</remarks>
internal static class RowCheck
{
    /// <summary>The checksum of a row.</summary>
    /// <param name="id">The row: partition, and sequence or number in the stage.</param>
    /// <param name="epoch">Its epoch; 0 in the stage.</param>
    /// <param name="at">When it happened.</param>
    /// <param name="topic">Its topic.</param>
    /// <param name="key">Its key.</param>
    /// <param name="headers">Its headers.</param>
    /// <param name="payload">Its payload.</param>
    public static long Of(long id, ulong epoch, long at, ReadOnlySpan<byte> topic, ReadOnlySpan<byte> key, ReadOnlySpan<byte> headers,
        ReadOnlySpan<byte> payload)
    {
        Span<byte> head = stackalloc byte[20];
        BinaryPrimitives.WriteInt64LittleEndian(head, at);
        BinaryPrimitives.WriteInt32LittleEndian(head[8..], topic.Length);
        BinaryPrimitives.WriteInt32LittleEndian(head[12..], key.Length);
        BinaryPrimitives.WriteInt32LittleEndian(head[16..], headers.Length);
        uint crc = Crc32C.Compute(head);
        crc = Crc32C.Compute(topic, crc);
        crc = Crc32C.Compute(key, crc);
        crc = Crc32C.Compute(headers, crc);
        return Crc32C.Compute(payload, crc) ^ Place(id, epoch);
    }

    /// <summary>What the checksum changes by, bit for bit, when a row moves to another place: its content need not be read.</summary>
    public static long Moved(long id, ulong epoch, long toId, ulong toEpoch) => Place(id, epoch) ^ Place(toId, toEpoch);

    /// <summary>What the checksum changes by, bit for bit, when the content is sealed: a row is not to be taken for a plain one.</summary>
    /// <param name="seal">The number of the key, or <see langword="null"/>.</param>
    public static long Seal(long? seal) => seal is { } key ? Place(key, ulong.MaxValue) : 0;

    private static uint Place(long id, ulong epoch)
    {
        Span<byte> place = stackalloc byte[16];
        BinaryPrimitives.WriteInt64LittleEndian(place, id);
        BinaryPrimitives.WriteUInt64LittleEndian(place[8..], epoch);
        return Crc32C.Compute(place);
    }
}
