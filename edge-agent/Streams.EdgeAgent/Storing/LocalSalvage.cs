using System.Globalization;
using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>What can still be read of a damaged file goes into the new one: the registers (settings and sessions), the events of its
/// own lanes that no cluster is known to have, and what was dropped and not told yet.</summary>
/// <remarks>Saved events keep their identity, so a cluster that has them knows them. They get new offsets: the new file writes other
/// lanes. Nothing is written to the damaged file. Failure: what cannot be read is left out; when the new file refuses, saving ends, and
/// the damaged file is still there.</remarks>
internal sealed class LocalSalvage(LocalConnection damaged, LocalIdentity identity, LocalTransaction target)
{
    private const int BytesAtOnce = 1 << 20;

    private readonly EventBatchBuilder _rehead = new();
    private LocalIdentity? _was;                     // who the damaged store was; null where it knows of no routes

    /// <summary>Batches saved.</summary>
    public long Saved { get; private set; }

    /// <summary>Saves what can be read.</summary>
    public static long Run(string path, LocalIdentity identity, LocalTransaction target)
    {
        LocalSalvage? salvage = null;
        try
        {
            using LocalConnection damaged = new(new OutboxDatabase(path, writable: false, LocalSchema.Owner));
            salvage = new LocalSalvage(damaged, identity, target);
            Try(salvage.SaveRegisters);
            Try(salvage.Identify);
            Try(salvage.SaveLost);
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
        foreach ((long row, StreamPartition partition, long sent, long end) in lanes)
        {
            Save(row, partition, sent, FirstOnItsWay(row, sent), end);
        }
    }

    private void Identify()
    {
        bool hasRoutes = damaged.Database.ScalarText("SELECT name FROM sqlite_master WHERE name='ways'").Length > 0;
        if (hasRoutes && UInt128.TryParse(damaged.Database.ScalarText("SELECT value FROM meta WHERE key='store'"), NumberStyles.HexNumber,
            CultureInfo.InvariantCulture, out UInt128 store))
        {
            _was = identity with { Store = new ProducerId(store) };
        }
    }

    private void SaveLost()
    {
        if (_was is null)
        {
            return;
        }

        target.Begin();
        try
        {
            Statement select = damaged.Use("SELECT stream, partition, topic, reason, events, first, last FROM lost");
            while (select.Step())
            {
                target.TakeLost(new StreamPartition(StreamPath.Parse(select.Text(0)), new PartitionId((int)select.Long(1))), select.Blob(2),
                    (GapReason)select.Long(3), select.Long(4), select.Long(5), select.Long(6));
            }
        }
        finally
        {
            Commit();
        }
    }

    // What takes a route may wait before what has gone up without one.
    private long FirstOnItsWay(long row, long sent)
    {
        if (_was is null)
        {
            return sent;
        }

        Statement select = damaged.Use("SELECT id FROM ways WHERE id>=?1 AND id<?2 AND state<2 ORDER BY id LIMIT 1")
            .Bind(1, LocalSchema.EntryId(row, 0)).Bind(2, LocalSchema.EntryId(row, sent));
        try
        {
            return select.Step() ? LocalSchema.OffsetOf(select.Long(0)) : sent;
        }
        catch (DamagedOutboxException)
        {
            return 0;
        }
        finally
        {
            select.Reset();
        }
    }

    // What goes up of an entry: under its own identity, or the one that it got for it. Null when it does not.
    private (StreamPartition Target, EventBatch Batch)? Way(long id, long sent, StreamPartition partition, EventBatch batch)
    {
        (StreamPartition, EventBatch)? plain = LocalSchema.OffsetOf(id) >= sent ? (partition, batch) : null;
        if (_was is null)
        {
            return plain;
        }

        Statement select = damaged.Use("SELECT w.state, w.stream, w.partition, w.epoch, w.first, c.name, r.decided FROM ways w"
            + " LEFT JOIN clients c ON c.id=w.client LEFT JOIN routes r ON r.id=w.route WHERE w.id=?1").Bind(1, id);
        try
        {
            if (!select.Step())
            {
                return plain;
            }

            StreamPartition goes = new(StreamPath.Parse(select.Text(1)), new PartitionId((int)select.Long(2)));
            int priority = (Route.Parse(select.Text(6)) ?? new Route("#") { Priority = 0 }).Priority;
            return (WayState)select.Long(0) switch
            {
                WayState.Over => null,
                WayState.Waiting => (goes, batch),
                _ => (goes, DownStretches.Under(_rehead, batch, new EventIdentity(
                    _was.ProducerOf(select.Text(5), ClientLine.Up(priority)), unchecked((ulong)select.Long(3)), select.Long(4)))),
            };
        }
        catch (DamagedOutboxException)
        {
            return (partition, batch);
        }
        finally
        {
            select.Reset();
        }
    }

    // Behind a place that cannot be read there may be others that can: farther and farther on.
    private void Save(long row, StreamPartition partition, long sent, long from, long end)
    {
        long step = 1;
        while (from < end)
        {
            target.Begin();
            try
            {
                if (!SavePiece(row, partition, sent, ref from))
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

    private bool SavePiece(long row, StreamPartition partition, long sent, ref long from)
    {
        int bytes = 0;
        Statement select = damaged.Use("SELECT id, events, after, body FROM entries WHERE id>=?1 AND id<=?2 ORDER BY id")
            .Bind(1, LocalSchema.EntryId(row, from)).Bind(2, LocalSchema.EntryId(row, LocalSchema.MaxOffset));
        while (bytes < BytesAtOnce && select.Step())
        {
            byte[] body = select.Blob(3).ToArray();
            ByteReader after = new(select.Blob(2).ToArray());
            if (EventBatch.TryParse(body, out EventBatch? batch, out _) && Way(select.Long(0), sent, partition, batch!) is { } way)
            {
                target.TakeSaved(way.Target, AfterVector.Read(ref after), way.Batch);
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
