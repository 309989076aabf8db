using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Gateways;

/// <summary>Reads lanes for a reader: one slice at a time, parsed, its pooled memory held until the last of its batches is done
/// with.</summary>
/// <remarks>A batch that does not parse is damaged at rest: it is logged as an error, counted, and stepped over as a gap; the events
/// in it are not given.</remarks>
internal sealed class LaneFiller(IEventStore store, int sliceBytes, GatewayMeter meter, ILogger log)
{
    // A slice without any events is read again with more room before it is believed that no events follow.
    private const int WidestSlice = 16 << 20;

    /// <summary>Reads what stands at <paramref name="from"/>. <paramref name="known"/> is the end of the lane as seen before the call:
    /// when there is
    /// nothing up to it, it is a gap.</summary>
    public async ValueTask FillAsync(LaneId lane, Offset from, Offset known, TimeSpan now,
        Action<Origin, LaneBatch> offer, Action<Origin, Offset> offerGap,
        CancellationToken cancellationToken)
    {
        for (int bytes = sliceBytes; ; bytes = Math.Min(bytes * 8, WidestSlice))
        {
            LaneSlice slice = await store.ReadAsync(lane, from, bytes, cancellationToken).ConfigureAwait(false);
            int offered = Offer(slice, lane, from, now, offer);
            if (offered > 0)
            {
                return;
            }

            bool isEmpty = slice.Entries.Count == 0;
            slice.Dispose();
            if (isEmpty || bytes == WidestSlice)
            {
                offerGap(lane.Origin, known);
                return;
            }
        }
    }

    private int Offer(LaneSlice slice, LaneId lane, Offset from, TimeSpan now, Action<Origin, LaneBatch> offer)
    {
        SliceLease lease = new(slice);
        int offered = 0;
        foreach (LaneEntry entry in slice.Entries)
        {
            if (entry.Kind != EntryKind.Events || entry.NextOffset <= from)
            {
                continue;
            }

            if (!EventBatch.TryParse(entry.Body, out EventBatch? batch, out string? fault) || batch!.Header.Count != entry.EventCount)
            {
                GatewayLog.DamagedBatch(log, lane.ToString(), entry.BaseOffset.Value, fault
                    ?? "another number of events than its entry says");
                meter.DamagedBatches.Add(1);
                continue;
            }

            offered++;
            lease.Add();
            offer(lane.Origin, new LaneBatch(entry.BaseOffset, entry.After, batch, now, lease));
        }

        if (offered > 0)
        {
            lease.Dispose();                          // its own share
        }

        return offered;
    }

    // Not safe for several threads: a session's batches are released by its one loop.
    private sealed class SliceLease(LaneSlice slice) : IDisposable
    {
        private int _shares = 1;

        public void Add() => _shares++;

        public void Dispose()
        {
            if (--_shares == 0)
            {
                slice.Dispose();
            }
        }
    }
}
