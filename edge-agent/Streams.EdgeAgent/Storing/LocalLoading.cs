using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>What is done with the tables when the store opens.</summary>
internal static class LocalLoading
{
    /// <summary>Clients that published nothing for so long begin anew: their sequences are counted from 1 again, in an epoch in which they
    /// have none yet (rule R7).</summary>
    private static readonly TimeSpan ForgetAfter = TimeSpan.FromDays(30);

    /// <summary>Reads lanes and settings into memory.</summary>
    public static void Load(LocalConnection db, LaneBook book)
    {
        List<LaneRow> lanes = [];
        Statement select = db.Use("SELECT id, stream, partition, origin, first_entry, next_entry, first_offset, next_offset, bytes, at,"
            + " sent FROM lanes ORDER BY id");
        while (select.Step())
        {
            StreamPartition partition = new(StreamPath.Parse(select.Text(1)), new PartitionId((int)select.Long(2)));
            lanes.Add(new LaneRow(select.Long(0), new LaneId(partition, Origin.Parse(select.Text(3))), select.Long(4), select.Long(5),
                select.Long(6), select.Long(7), select.Long(8), select.Long(9), select.Long(10)));
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

    /// <summary>Forgets clients that are idle for long. Only before the opening's epoch is used.</summary>
    public static void ForgetIdle(OutboxDatabase database, TimeProvider time)
    {
        long before = (time.GetUtcNow() - ForgetAfter - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        database.Execute("BEGIN IMMEDIATE");
        using (Statement old = database.Prepare("DELETE FROM sequences WHERE at<?1"))
        {
            old.Bind(1, before).Run();
        }

        database.Execute("DELETE FROM clients WHERE id NOT IN (SELECT client FROM sequences)");
        database.Execute("COMMIT");
    }
}
