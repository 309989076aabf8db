using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>What comes down from a cluster: lanes of others, at the offsets that they have.</summary>
internal sealed partial class LocalTransaction
{
    /// <summary>Sees to it that there is room for all of them.</summary>
    /// <exception cref="TryAgainException">There is none; nothing is taken.</exception>
    public void RequireRoomFor(IReadOnlyList<DownStretch> stretches)
    {
        int bytes = 0;
        foreach (DownStretch stretch in stretches)
        {
            foreach ((_, EventBatch batch) in stretch.Batches)
            {
                bytes += batch.Bytes.Length;
            }
        }

        if (bytes > 0)
        {
            RequireRoom(bytes);
        }
    }

    /// <summary>Takes a stretch of a lane, or as much of it as is not here, and what belongs to it. A lane that is new here begins with
    /// it. Events that this agent sent up itself are left out: they stand in its own lane.</summary>
    public void TakeDown(DownStretch stretch)
    {
        LaneRow lane = Lane(stretch.Lane, isOwn: false);
        if (lane.NextOffset == 0 && lane.NextEntry == 0)
        {
            lane = lane with { FirstOffset = stretch.From.Value, NextOffset = stretch.From.Value };
        }

        foreach ((long begin, EventBatch whole) in stretch.Batches)
        {
            long offset = Math.Max(begin, lane.NextOffset);
            if (offset < begin + whole.Header.Count && !IsFromHere(stretch.Lane.Partition, whole.Header))
            {
                EventBatch batch = DownStretches.Without(whole, (int)(offset - begin));
                lane = lane with { NextOffset = offset };
                Append(lane, stretch.After, batch.Bytes.Span, batch.Header.Count);
                AddRun(lane.Row, batch.Header, offset);
                Retain(lane, offset, batch);
                lane = Lane(stretch.Lane);
            }
        }

        Put(lane with { NextOffset = Math.Max(lane.NextOffset, stretch.To.Value) });
        _changed.Add(stretch.Lane.Partition.Stream);
    }

    // Whether it is one of those that this store gives to clients without an outbox.
    private bool IsClient(ProducerId producer)
    {
        Span<byte> id = stackalloc byte[ProducerId.Size];
        producer.Write(id);
        Statement select = _db.Use("SELECT 1 FROM clients WHERE producer=?1").Bind(1, id);
        bool isClient = select.Step();
        select.Reset();
        return isClient;
    }

    private bool IsFromHere(StreamPartition partition, in BatchHeader batch)
    {
        return IsClient(batch.Producer)
            || (_book.Find(new LaneId(partition, _identity.Origin)) is { } own && OwnRuns(own, batch) is not null);
    }
}
