using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>What is done with the tables when the store opens.</summary>
internal static class LocalLoading
{
    /// <summary>Events of lanes that go up stay until a cluster has them; of a lane that does so from now on, all that are
    /// here.</summary>
    public static void NoteWays(LocalConnection db, LocalStoreOptions options)
    {
        List<(long Row, long Sent)> changed = [];
        Statement select = db.Use("SELECT id, stream, first_offset, sent FROM lanes WHERE own=1");
        while (select.Step())
        {
            bool goesUp = options.GoesUp?.Invoke(StreamPath.Parse(select.Text(1))) ?? false;
            if (goesUp != (select.Long(3) >= 0))
            {
                changed.Add((select.Long(0), goesUp ? select.Long(2) : -1));
            }
        }

        select.Reset();
        foreach ((long row, long sent) in changed)
        {
            db.Use("UPDATE lanes SET sent=?2 WHERE id=?1").Bind(1, row).Bind(2, sent).Run();
        }
    }

    /// <summary>Reads lanes and settings into memory.</summary>
    public static void Load(LocalConnection db, LaneBook book)
    {
        List<LaneRow> lanes = [];
        Statement select = db.Use("SELECT id, stream, partition, origin, first_entry, next_entry, first_offset, next_offset, bytes, at,"
            + " own, sent FROM lanes ORDER BY id");
        while (select.Step())
        {
            StreamPartition partition = new(StreamPath.Parse(select.Text(1)), new PartitionId((int)select.Long(2)));
            lanes.Add(new LaneRow(select.Long(0), new LaneId(partition, Origin.Parse(select.Text(3))), select.Long(4), select.Long(5),
                select.Long(6), select.Long(7), select.Long(8), select.Long(9), select.Long(10) != 0, select.Long(11)));
        }

        select.Reset();
        Dictionary<StreamPath, StreamSettings?> settings = [];
        Statement registers = db.Use("SELECT stream, value FROM registers WHERE key=?1").Bind(1, StreamSettings.RegisterKey);
        while (registers.Step())
        {
            settings[StreamPath.Parse(registers.Text(0))] =
                StreamSettings.TryRead(registers.Blob(1).ToArray(), out StreamSettings? one) ? one : null;
        }

        registers.Reset();
        book.Publish(lanes, settings);
    }
}
