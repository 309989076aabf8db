using System.Buffers;
using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>Reading entries of a lane.</summary>
internal static class LaneReading
{
    private const int MaxEntries = 1024;             // of one slice, however small they are

    /// <summary>The entry that holds an offset, or the first behind it, and those that follow while they fit.</summary>
    public static LaneSlice Read(LocalConnection db, LaneRow lane, long from, int maxBytes, Origin own)
    {
        ReplicationPath path = ReplicationPath.StartingAt(lane.Lane.Origin).Append(own);
        List<LaneEntry> entries = [];
        RentedBodies bodies = new();
        long bytes = 0;
        try
        {
            Statement select = db.Use("SELECT id, number, events, at, after, body FROM entries WHERE id>=?1 AND id<=?2 ORDER BY id"
                    + " LIMIT ?3")
                .Bind(1, Holder(db, lane, from)).Bind(2, LocalSchema.EntryId(lane.Row, LocalSchema.MaxOffset)).Bind(3, (long)MaxEntries);
            while (select.Step())
            {
                ReadOnlySpan<byte> body = select.Blob(5);
                bytes += body.Length;
                if (entries.Count > 0 && bytes > maxBytes)
                {
                    break;
                }

                ByteReader after = new(select.Blob(4).ToArray());
                entries.Add(new LaneEntry
                {
                    Number = new EntryNumber(select.Long(1)),
                    Kind = EntryKind.Events,
                    BaseOffset = new Offset(LocalSchema.OffsetOf(select.Long(0))),
                    EventCount = (int)select.Long(2),
                    AppendedAt = select.Long(3),
                    After = AfterVector.Read(ref after),
                    Path = path,
                    Body = bodies.Add(body),
                });
            }

            select.Reset();
        }
        catch
        {
            bodies.Dispose();
            throw;
        }

        return new LaneSlice(entries, bodies);
    }

    /// <summary>The offset of the first entry that was appended at or behind a time; the end of the lane when there is none.</summary>
    public static long FindTime(LocalConnection db, LaneRow lane, long at)
    {
        if (lane.At < at)
        {
            return lane.NextOffset;
        }

        // Times never fall in a lane. Of [low, high) the first entry that is late enough begins in it, or is the first behind it.
        long low = lane.FirstOffset;
        long high = lane.NextOffset;
        while (low < high)
        {
            long middle = low + ((high - low) >> 1);
            Statement select = db.Use("SELECT id, at, events FROM entries WHERE id>=?1 AND id<?2 ORDER BY id LIMIT 1")
                .Bind(1, LocalSchema.EntryId(lane.Row, middle)).Bind(2, LocalSchema.EntryId(lane.Row, high));
            bool isEarlier = false;
            if (select.Step())
            {
                isEarlier = select.Long(1) < at;
                low = isEarlier ? LocalSchema.OffsetOf(select.Long(0)) + select.Long(2) : low;
            }

            high = isEarlier ? high : middle;
            select.Reset();
        }

        Statement first = db.Use("SELECT id FROM entries WHERE id>=?1 AND id<=?2 ORDER BY id LIMIT 1")
            .Bind(1, LocalSchema.EntryId(lane.Row, low)).Bind(2, LocalSchema.EntryId(lane.Row, LocalSchema.MaxOffset));
        long found = first.Step() ? LocalSchema.OffsetOf(first.Long(0)) : lane.NextOffset;
        first.Reset();
        return found;
    }

    // Row id of the entry that holds an offset; where none does, the offset's own.
    private static long Holder(LocalConnection db, LaneRow lane, long offset)
    {
        long id = LocalSchema.EntryId(lane.Row, offset);
        Statement select = db.Use("SELECT id, events FROM entries WHERE id<=?1 AND id>=?2 ORDER BY id DESC LIMIT 1")
            .Bind(1, id).Bind(2, LocalSchema.EntryId(lane.Row, 0));
        if (select.Step() && LocalSchema.OffsetOf(select.Long(0)) + select.Long(1) > offset)
        {
            id = select.Long(0);
        }

        select.Reset();
        return id;
    }

    // Bodies of one slice, in memory that is given back.
    private sealed class RentedBodies : IDisposable
    {
        private readonly List<byte[]> _rented = [];

        public ReadOnlyMemory<byte> Add(ReadOnlySpan<byte> body)
        {
            byte[] rented = ArrayPool<byte>.Shared.Rent(body.Length);
            _rented.Add(rented);
            body.CopyTo(rented);
            return rented.AsMemory(0, body.Length);
        }

        public void Dispose()
        {
            foreach (byte[] rented in _rented)
            {
                ArrayPool<byte>.Shared.Return(rented);
            }

            _rented.Clear();
        }
    }
}
