using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>Reading what goes up.</summary>
internal static class WayReading
{
    private const int MaxEntries = 1024;

    /// <summary>The entries of a lane that take no route, from an offset on, while they fit; and where to go on.</summary>
    public static (List<(long Offset, AfterVector After, EventBatch Batch)> Entries, long Next) ReadUp(LocalConnection db, LaneRow lane,
        long from, int maxBytes)
    {
        List<(long, AfterVector, EventBatch)> entries = [];
        long next = lane.NextOffset;
        long bytes = 0;
        Statement select = db.Use("SELECT id, events, after, body FROM entries WHERE id>=?1 AND id<?2"
                + " AND NOT EXISTS(SELECT 1 FROM ways WHERE ways.id=entries.id) ORDER BY id LIMIT ?3")
            .Bind(1, LocalSchema.EntryId(lane.Row, from)).Bind(2, LocalSchema.EntryId(lane.Row, lane.NextOffset))
            .Bind(3, (long)MaxEntries);
        while (select.Step())
        {
            long offset = LocalSchema.OffsetOf(select.Long(0));
            bytes += select.Blob(3).Length;
            if (entries.Count > 0 && bytes > maxBytes)
            {
                next = offset;
                break;
            }

            ByteReader after = new(select.Blob(2).ToArray());
            entries.Add((offset, AfterVector.Read(ref after), EventBatch.Parse(select.Blob(3).ToArray())));
            next = entries.Count == MaxEntries ? offset + select.Long(1) : lane.NextOffset;
        }

        select.Reset();
        return (entries, next);
    }

    /// <summary>What takes routes and has sequences.</summary>
    public static List<PlacedBatch> Placed(LocalConnection db, LocalIdentity identity, RouteBook routes)
    {
        List<PlacedBatch> placed = [];
        EventBatchBuilder builder = new();
        Statement select = db.Use("SELECT w.id, w.stream, w.partition, w.route, c.name, w.epoch, w.first, e.body FROM ways w"
            + " JOIN clients c ON c.id=w.client JOIN entries e ON e.id=w.id WHERE w.state=1 ORDER BY w.turn");
        while (select.Step())
        {
            ProducerId producer = identity.ProducerOf(select.Text(4), ClientLine.Up(routes.Of(select.Long(3)).Decided.Priority));
            EventIdentity first = new(producer, unchecked((ulong)select.Long(5)), select.Long(6));
            StreamPartition target = new(StreamPath.Parse(select.Text(1)),
                new PartitionId((int)select.Long(2)));
            placed.Add(new PlacedBatch(select.Long(0), target,
                DownStretches.Under(builder, EventBatch.Parse(select.Blob(7).ToArray()), first), WasTried: true));
        }

        select.Reset();
        return placed;
    }
}
