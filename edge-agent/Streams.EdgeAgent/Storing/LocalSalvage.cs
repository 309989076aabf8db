using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>What can still be read of a damaged file goes into the new one: the registers (settings and sessions), and the events of its
/// own lanes that no cluster is known to have.</summary>
/// <remarks>Saved events keep their identity, so a cluster that has them knows them. They get new offsets: the new file writes other
/// lanes. Nothing is written to the damaged file. Failure: what cannot be read is left out; when the new file refuses, saving ends, and
/// the damaged file is still there.</remarks>
internal sealed class LocalSalvage(LocalConnection damaged, LocalTransaction target)
{
    private const int BytesAtOnce = 1 << 20;

    /// <summary>Batches saved.</summary>
    public long Saved { get; private set; }

    /// <summary>Saves what can be read.</summary>
    public static long Run(string path, LocalTransaction target)
    {
        LocalSalvage? salvage = null;
        try
        {
            using LocalConnection damaged = new(new OutboxDatabase(path, writable: false, LocalSchema.Owner));
            salvage = new LocalSalvage(damaged, target);
            Try(salvage.SaveRegisters);
            Try(salvage.SaveLanes);
        }
        catch (Exception e) when (e is DamagedOutboxException or StreamsException)
        {
            target.RollBack();
        }

        return salvage?.Saved ?? 0;
    }

    private static void Try(Action save)
    {
        try
        {
            save();
        }
        catch (DamagedOutboxException)
        {
            // What came before the damage is saved.
        }
    }

    private void SaveRegisters()
    {
        target.Begin();
        try
        {
            Statement select = damaged.Use("SELECT stream, key, at, cluster, value FROM registers");
            while (select.Step())
            {
                if (StreamPath.TryParse(select.Text(0), out StreamPath stream, out _))
                {
                    target.TakeRegister(stream, LocalRows.Fact(select, select.Text(1), 2));
                }
            }
        }
        finally
        {
            Commit();
        }
    }

    private void SaveLanes()
    {
        List<(long Row, StreamPartition Partition, long From, long End)> lanes = [];
        Statement select = damaged.Use("SELECT id, stream, partition, first_offset, next_offset, sent FROM lanes WHERE own=1");
        while (select.Step())
        {
            if (StreamPath.TryParse(select.Text(1), out StreamPath stream, out _) && select.Long(2) is >= 0 and < PartitionId.MaxCount)
            {
                lanes.Add((select.Long(0), new StreamPartition(stream, new PartitionId((int)select.Long(2))),
                    Math.Max(select.Long(3), select.Long(5)), select.Long(4)));
            }
        }

        select.Reset();
        foreach ((long row, StreamPartition partition, long from, long end) in lanes)
        {
            Save(row, partition, from, end);
        }
    }

    // Behind a place that cannot be read there may be others that can: farther and farther on.
    private void Save(long row, StreamPartition partition, long from, long end)
    {
        long step = 1;
        while (from < end)
        {
            target.Begin();
            try
            {
                if (!SavePiece(row, partition, ref from))
                {
                    from = end;
                }

                step = 1;
            }
            catch (DamagedOutboxException)
            {
                from += step;
                step *= 2;
            }
            finally
            {
                Commit();
            }
        }
    }

    private bool SavePiece(long row, StreamPartition partition, ref long from)
    {
        int bytes = 0;
        Statement select = damaged.Use("SELECT id, events, after, body FROM entries WHERE id>=?1 AND id<=?2 ORDER BY id")
            .Bind(1, LocalSchema.EntryId(row, from)).Bind(2, LocalSchema.EntryId(row, LocalSchema.MaxOffset));
        while (bytes < BytesAtOnce && select.Step())
        {
            byte[] body = select.Blob(3).ToArray();
            ByteReader after = new(select.Blob(2).ToArray());
            if (EventBatch.TryParse(body, out EventBatch? batch, out _))
            {
                target.TakeSaved(partition, AfterVector.Read(ref after), batch!);
                Saved++;
            }

            from = LocalSchema.OffsetOf(select.Long(0)) + Math.Max(1, select.Long(1));
            bytes += body.Length + 1;
        }

        select.Reset();
        return bytes >= BytesAtOnce;
    }

    private void Commit()
    {
        target.Finish();
        target.Commit();
        target.Clear();
    }
}
