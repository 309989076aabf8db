using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using Streams.Core;
using Streams.Gateways;

namespace Streams.Server;

/// <summary>The SHA-256 of the events of a lane, the same in every cluster that holds them, however they are cut into batches.</summary>
/// <remarks>For each event, numbers little-endian: offset (8 bytes), producer (16, as in its binary form), epoch (8), sequence (8),
/// timestamp in microseconds (8),
/// then topic, key, headers in stored form, and payload, each as its length (4) and its bytes.</remarks>
internal static class LaneDigest
{
    private const int HeadBytes = 8 + ProducerId.Size + 8 + 8 + 8;

    /// <summary>The digest of the events kept from <paramref name="from"/> to before <paramref name="to"/>: how many there are, and the
    /// offset behind the last.</summary>
    public static async Task<(long Count, Offset Next, string Sha256)> ComputeAsync(
        IEventStore store, LaneId lane, Offset from, Offset to, CancellationToken cancellationToken)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        ArrayBufferWriter<byte> buffer = new(LaneReader.SliceBytes + (64 << 10));
        long count = 0;
        Offset next = from;
        bool more = from < to;
        while (more)
        {
            using LaneSlice slice = await store.ReadAsync(lane, next, LaneReader.SliceBytes, cancellationToken);
            Offset before = next;
            foreach (LaneEntry entry in slice.Entries)
            {
                if (entry.Kind == EntryKind.Events && entry.NextOffset > next && next < to)
                {
                    count += Append(buffer, entry, ref next, to);
                    hash.AppendData(buffer.WrittenSpan);
                    buffer.ResetWrittenCount();
                }
            }

            more = next > before && next < to;
        }

        return (count, next, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    private static int Append(ArrayBufferWriter<byte> buffer, LaneEntry entry, ref Offset next, Offset to)
    {
        EventBatch batch = EventBatch.Parse(entry.Body);
        int count = 0;
        foreach (EventView view in batch.Events)
        {
            Offset offset = entry.BaseOffset + view.Index;
            if (offset < next || offset >= to)
            {
                continue;
            }

            Span<byte> head = buffer.GetSpan(HeadBytes);
            BinaryPrimitives.WriteInt64LittleEndian(head, offset.Value);
            batch.Header.Producer.Write(head[8..]);
            BinaryPrimitives.WriteUInt64LittleEndian(head[24..], batch.Header.Epoch);
            BinaryPrimitives.WriteInt64LittleEndian(head[32..], batch.Header.FirstSequence + view.Index);
            BinaryPrimitives.WriteInt64LittleEndian(head[40..], view.TimestampMicroseconds);
            buffer.Advance(HeadBytes);
            Block(buffer, view.Topic.Span);
            Block(buffer, view.Key.Span);
            Block(buffer, view.Headers.Span);
            Block(buffer, view.Payload.Span);
            next = offset + 1;
            count++;
        }

        return count;
    }

    private static void Block(ArrayBufferWriter<byte> buffer, ReadOnlySpan<byte> bytes)
    {
        BinaryPrimitives.WriteInt32LittleEndian(buffer.GetSpan(4), bytes.Length);
        buffer.Advance(4);
        buffer.Write(bytes);
    }
}
