using System.Buffers;
using Streams.Core;

namespace Streams.Storage;

/// <summary>Reads entries of a lane from the log into pooled memory. Neighbouring records are read at once; each is checked
/// again.</summary>
internal static class EntryReader
{
    /// <summary>Most entries of one slice: bounds what is allocated beside the bytes.</summary>
    public const int MaxEntries = 4096;

    // Reading a few records of other lanes between two of this one is cheaper than another call.
    private const int MaxGapBytes = 8 << 10;

    /// <summary>Reads entries that follow each other, up to one that is damaged, of which <paramref name="damaged"/> is told.</summary>
    public static ValueTask<LaneSlice> ReadAsync(SegmentLog log, LaneId lane, long firstEntry, EntryPlace[] places,
        Action<LaneId, long> damaged, CancellationToken cancellationToken) =>
        ReadAsync(log, lane, firstEntry, null, places, damaged, cancellationToken);

    /// <summary>Reads entries of these numbers, which rise.</summary>
    public static ValueTask<LaneSlice> ReadAsync(SegmentLog log, LaneId lane, IReadOnlyList<long> numbers, EntryPlace[] places,
        Action<LaneId, long> damaged, CancellationToken cancellationToken) =>
        ReadAsync(log, lane, numbers[0], numbers, places, damaged, cancellationToken);

    private static async ValueTask<LaneSlice> ReadAsync(SegmentLog log, LaneId lane, long firstEntry, IReadOnlyList<long>? numbers,
        EntryPlace[] places, Action<LaneId, long> damaged, CancellationToken cancellationToken)
    {
        if (places.Length == 0)
        {
            return LaneSlice.Empty;
        }

        if (!places[0].IsReadable)
        {
            throw new InvalidFormatException($"{lane}: entry {firstEntry} was lost to damage of the log");
        }

        int total = 0;
        for (int i = 0; i < places.Length; total += Span(log, places, i, out i))
        {
        }

        PooledMemory memory = new(ArrayPool<byte>.Shared.Rent(total));
        try
        {
            List<LaneEntry> entries = new(places.Length);
            int used = 0;
            for (int i = 0; i < places.Length;)
            {
                int length = Span(log, places, i, out int next);
                Memory<byte> bytes = memory.Bytes.AsMemory(used, length);
                await ReadExactlyAsync(log.Find(places[i].Position), places[i].Position, bytes, cancellationToken);
                for (int j = i; j < next; j++)
                {
                    ReadOnlyMemory<byte> record = bytes[(int)(places[j].Position - places[i].Position)..];
                    long number = numbers?[j] ?? firstEntry + j;
                    if (TryParse(number, places[j], record) is { } entry)
                    {
                        entries.Add(entry);
                        continue;
                    }

                    damaged(lane, number);
                    return entries.Count > 0 ? new LaneSlice(entries, memory)
                        : throw new InvalidFormatException($"{lane}: entry {number} is damaged in the log at {places[j].Position}");
                }

                used += length;
                i = next;
            }

            return new LaneSlice(entries, memory);
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    // Bytes from the record of one place to the end of the last that is read with it; `next` is the first that is not.
    private static int Span(SegmentLog log, EntryPlace[] places, int from, out int next)
    {
        Segment segment = log.Find(places[from].Position);
        long end = places[from].Position + RecordHeader.Size + places[from].BodyLength;
        for (next = from + 1; next < places.Length; next++)
        {
            if (places[next].Position < end || places[next].Position - end > MaxGapBytes || log.Find(places[next].Position) != segment)
            {
                break;
            }

            end = places[next].Position + RecordHeader.Size + places[next].BodyLength;
        }

        return (int)(end - places[from].Position);
    }

    private static async ValueTask ReadExactlyAsync(Segment segment, long position, Memory<byte> bytes, CancellationToken cancellationToken)
    {
        int read = await segment.File.ReadAsync(position - segment.First, bytes, cancellationToken);
        if (read < bytes.Length)
        {
            throw new InvalidFormatException($"{segment.Name}: {read} of {bytes.Length} bytes are there at {position - segment.First}");
        }
    }

    private static LaneEntry? TryParse(long number, in EntryPlace place, ReadOnlyMemory<byte> record) =>
        RecordHeader.TryRead(record.Span, place.Position, out RecordHeader header)
        && header.Kind is RecordKind.LaneEntry or RecordKind.LaneRepaired
        && RecordBodies.TryReadEntry(record.Slice(RecordHeader.Size, header.BodyLength), out _, out LaneEntry? entry)
        && entry!.Number.Value == number ? entry : null;

    private sealed class PooledMemory(byte[] bytes) : IDisposable
    {
        private byte[]? _bytes = bytes;

        public byte[] Bytes => _bytes!;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _bytes, null) is { } returned)
            {
                ArrayPool<byte>.Shared.Return(returned);
            }
        }
    }
}
