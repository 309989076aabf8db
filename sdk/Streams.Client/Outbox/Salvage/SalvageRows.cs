using Streams.Core;

namespace Streams.Client;

/// <summary>Takes the rows of a damaged outbox, each held against its checksum or, where it has none, against what the format
/// allows.</summary>
internal sealed class SalvageRows(SalvageTarget target, SalvageReport report)
{
    private const int CountedBeside = 64;                      // what an event counts beside its bytes
    private const string EventColumns = "id, epoch, at, bytes, topic, key, headers, payload, crc, seal";

    /// <summary>Whether the rows given now stand where they belong; else they may be older ones of a page that is free.</summary>
    public bool IsInPlace { get; set; }

    /// <summary>Copies that match their checksums.</summary>
    public Dictionary<long, byte[]> Copies { get; } = [];

    /// <summary>Where tables and indexes begin.</summary>
    public Dictionary<string, uint> Roots { get; } = [];

    /// <summary>A row of SQLite's own table of tables.</summary>
    public bool Table(long rowId, in KeptRecord row)
    {
        if (row.Count == 5 && row.IsText(1) && row.IsNumber(3))
        {
            Roots[row.Text(1)] = (uint)row.Number(3);
            return true;
        }

        return false;
    }

    /// <summary>A copy.</summary>
    public bool Copy(long rowId, in KeptRecord row)
    {
        if (!row.Is("-bn") || row.Number(2) != OutboxCopies.Check(rowId, row.Bytes(1)))
        {
            return false;
        }

        byte[] body = row.Bytes(1).ToArray();
        Copies[rowId] = body;
        if (rowId == OutboxCopies.Roots)
        {
            foreach ((string name, uint root) in OutboxCopies.ReadRoots(body))
            {
                Roots[name] = root;                            // with how they are made, under names that no table has
            }
        }
        else if (rowId == OutboxCopies.Keys)
        {
            foreach ((long id, string name) in OutboxCopies.ReadKeys(body))
            {
                Key(id, name);
            }
        }
        else if (rowId == OutboxCopies.Producer && body.Length == ProducerId.Size)
        {
            target.Producer = ProducerId.Read(body);
        }
        else if (rowId > 0 && OutboxCopies.Partition(body) is { } partition)
        {
            SavedPartition known = target.Partition(rowId);
            (known.Partition, known.IsChecked) = (partition, true);
        }

        return true;
    }

    /// <summary>A row of <c>meta</c>.</summary>
    public bool Meta(long rowId, in KeptRecord row)
    {
        if (row.Count != 2 || !row.IsText(0))
        {
            return false;
        }

        string key = row.Text(0);
        if (key == "producer")
        {
            target.Producer ??= row.IsBlob(1) && row.Bytes(1).Length == ProducerId.Size ? ProducerId.Read(row.Bytes(1)) : null;
        }
        else if (key != "clean")
        {
            Statement meta = target.Into("meta", "key, value").Bind(1, key);
            (row.IsBlob(1) ? meta.Bind(2, row.Bytes(1)) : row.IsText(1) ? meta.Bind(2, row.Text(1)) : meta.Bind(2, row.Number(1))).Run();
        }

        return true;
    }

    /// <summary>The name of a key.</summary>
    public bool Key(long rowId, in KeptRecord row)
    {
        if (row.Is("-t") && OutboxEncryption.IsId(row.Text(1)))
        {
            Key(rowId, row.Text(1));
            return true;
        }

        return false;
    }

    /// <summary>An opening.</summary>
    public bool Opening(long rowId, in KeptRecord row)
    {
        if (row.Is("-n"))
        {
            target.Into("openings", "epoch, at").Bind(1, rowId).Bind(2, row.Number(1)).Run();
            return true;
        }

        return false;
    }

    /// <summary>A stream's count of partitions.</summary>
    public bool Stream(long rowId, in KeptRecord row)
    {
        if (row.Is("tn") && StreamPath.TryParse(row.Text(0), out _, out _) && row.Number(1) is >= 1 and <= PartitionId.MaxCount)
        {
            target.Into("streams", "stream, partitions").Bind(1, row.Text(0)).Bind(2, row.Number(1)).Run();
            return true;
        }

        return false;
    }

    /// <summary>A partition.</summary>
    public bool Partition(long rowId, in KeptRecord row)
    {
        if (!row.Is("-tnnnnN") && !row.Is("-tnnnn"))
        {
            return false;
        }

        bool isChecked = row.Count > 6 && !row.IsNull(6);
        if (rowId <= 0 || row.Number(3) < 1 || row.Number(4) < 0
            || (isChecked && row.Number(6) != CountCheck.Of(rowId, row.Number(3), row.Number(4), row.Number(5))))
        {
            return false;
        }

        target.Partition(rowId).Found(row.Number(3), row.Number(4), IsInPlace);
        return Name(rowId, row.Text(1), row.Number(2));
    }

    /// <summary>An entry of the index of partitions by name.</summary>
    public bool PartitionIndex(long rowId, in KeptRecord row) => row.Is("tnn") && Name(row.Number(2), row.Text(0), row.Number(1));

    /// <summary>From which sequence on an epoch's events were given.</summary>
    public bool Epoch(long rowId, in KeptRecord row)
    {
        if (!row.Is("nnn") || !target.Partitions.TryGetValue(row.Number(0), out SavedPartition? partition))
        {
            return false;
        }

        partition.Highest = Math.Max(partition.Highest, Math.Min(row.Number(1), partition.Next));     // no checksum: within reason
        return true;
    }

    /// <summary>An event that waits.</summary>
    public bool Event(long rowId, in KeptRecord row)
    {
        // Rows that were there when a column was added do not have it.
        if ((!row.Is("-nnnbbbbNN") && !row.Is("-nnnbbbbN") && !row.Is("-nnnbbbb")) || !IsSound(rowId, row.Number(1), row, 2, 4, 8))
        {
            return false;
        }

        if (IsNamed(rowId))
        {
            Fill(target.Into("events", EventColumns), rowId, row, 8).Run();
        }

        return true;
    }

    /// <summary>A refused event.</summary>
    public bool Refused(long rowId, in KeptRecord row)
    {
        if ((!row.Is("-nnnbbbbtNN") && !row.Is("-nnnbbbbtN") && !row.Is("-nnnbbbbt")) || !IsSound(rowId, row.Number(1), row, 2, 4, 9))
        {
            return false;
        }

        if (IsNamed(rowId))
        {
            Fill(target.Into("refused", EventColumns + ", reason"), rowId, row, 9).Bind(11, row.Text(8)).Run();
        }

        return true;
    }

    /// <summary>A staged event.</summary>
    public bool Staged(long rowId, in KeptRecord row)
    {
        if ((!row.Is("-NNnNnnbbbbNN") && !row.Is("-NNnNnnbbbbN") && !row.Is("-NNnNnnbbbb")) || !IsSound(rowId, 0, row, 5, 7, 11))
        {
            return false;
        }

        if (IsNamed(rowId))
        {
            SawStaged(rowId);
            target.Into("staged", "id, turn, slot, opening, expires, at, bytes, topic, key, headers, payload, crc, seal").Bind(1, rowId)
                .Bind(2, Number(row, 1)).Bind(3, Number(row, 2)).Bind(4, row.Number(3)).Bind(5, Number(row, 4)).Bind(6, row.Number(5))
                .Bind(7, Counted(row, 7)).Bind(8, row.Bytes(7)).Bind(9, row.Bytes(8)).Bind(10, row.Bytes(9)).Bind(11, row.Bytes(10))
                .Bind(12, Number(row, 11)).Bind(13, Number(row, 12)).Run();
        }

        return true;
    }

    /// <summary>A gap that is not told yet.</summary>
    public bool Gap(long rowId, in KeptRecord row)
    {
        if (!row.Is("-nnnnnb") || rowId <= 0 || row.Number(2) is < 0 or > (long)GapReason.Damaged || row.Number(3) <= 0
            || row.Bytes(6).IsEmpty)
        {
            return false;
        }

        if (IsNamed(rowId))
        {
            SawStaged(rowId);
            target.Into("gaps", "id, slot, reason, events, first, last, topic").Bind(1, rowId).Bind(2, row.Number(1)).Bind(3, row.Number(2))
                .Bind(4, row.Number(3)).Bind(5, row.Number(4)).Bind(6, row.Number(5)).Bind(7, row.Bytes(6)).Run();
        }

        return true;
    }

    /// <summary>What is counted of a stage.</summary>
    public bool StageCounts(long rowId, in KeptRecord row)
    {
        if ((!row.Is("-nnn") && !row.Is("-nnnN")) || rowId <= 0 || row.Number(1) < 1 || row.Number(2) < 0
            || (row.Count > 4 && !row.IsNull(4) && row.Number(4) != CountCheck.OfStage(rowId, row.Number(1), row.Number(2), row.Number(3))))
        {
            return false;
        }

        target.Partition(rowId).FoundStage(row.Number(1), row.Number(2), row.Number(3));
        return true;
    }

    /// <summary>An opening with staged events that age.</summary>
    public bool Age(long rowId, in KeptRecord row)
    {
        if (!row.Is("-nnnntn") || rowId <= 0)
        {
            return false;
        }

        target.Into("ages", "opening, length, dark, wall, since, boot, steady").Bind(1, rowId).Bind(2, row.Number(1)).Bind(3, row.Number(2))
            .Bind(4, row.Number(3)).Bind(5, row.Number(4)).Bind(6, row.Text(5)).Bind(7, row.Number(6)).Run();
        return true;
    }

    /// <summary>Where events stand (R5).</summary>
    public bool Stand(long rowId, in KeptRecord row)
    {
        if (!row.Is("ntnn") || !Origin.TryParse(row.Text(1), out _) || row.Number(2) < 0)
        {
            return false;
        }

        target.Into("stand", "partition, origin, offset, turn").Bind(1, row.Number(0)).Bind(2, row.Text(1)).Bind(3, row.Number(2))
            .Bind(4, row.Number(3)).Run();
        return true;
    }

    /// <summary>A consumer.</summary>
    public bool Consumer(long rowId, in KeptRecord row) => row.Is("-tt") && Consumer(rowId, row.Text(1), row.Text(2));

    /// <summary>An entry of the index of consumers by name.</summary>
    public bool ConsumerIndex(long rowId, in KeptRecord row) => row.Is("ttn") && Consumer(row.Number(2), row.Text(0), row.Text(1));

    /// <summary>A consumer's cursor.</summary>
    public bool Cursor(long rowId, in KeptRecord row)
    {
        if (!row.Is("nnbb") || !Reads(row, static r =>
        {
            ConsumerStore.ReadCursor(r.Bytes(2).ToArray());
            ConsumerStore.ReadWaits(r.Bytes(3).ToArray());
        }))
        {
            return false;
        }

        target.Into("cursors", "consumer, partition, cursor, waits").Bind(1, row.Number(0)).Bind(2, row.Number(1)).Bind(3, row.Bytes(2))
            .Bind(4, row.Bytes(3)).Run();
        return true;
    }

    /// <summary>What a consumer was given (R17).</summary>
    public bool Given(long rowId, in KeptRecord row)
    {
        if (!row.Is("nnbnbn") || row.Bytes(2).Length != ProducerId.Size || !Reads(row, static r => GivenRuns.Read(r.Bytes(4).ToArray())))
        {
            return false;
        }

        target.Into("given", "consumer, partition, producer, epoch, runs, active").Bind(1, row.Number(0)).Bind(2, row.Number(1))
            .Bind(3, row.Bytes(2)).Bind(4, row.Number(3)).Bind(5, row.Bytes(4)).Bind(6, row.Number(5)).Run();
        return true;
    }

    private delegate void ReadRow(KeptRecord row);

    private static bool Reads(in KeptRecord row, ReadRow read)
    {
        try
        {
            read(row);
            return true;
        }
        catch (StreamsException)
        {
            return false;
        }
    }

    private static bool IsSound(long rowId, long epoch, in KeptRecord row, int at, int topic, int crc)
    {
        if (OutboxDatabase.SequenceOf(rowId) == 0 || rowId <= 0)
        {
            return false;
        }

        return Number(row, crc) is { } check
            ? check == (RowCheck.Of(rowId, unchecked((ulong)epoch), row.Number(at), row.Bytes(topic), row.Bytes(topic + 1),
                row.Bytes(topic + 2), row.Bytes(topic + 3)) ^ RowCheck.Seal(Number(row, crc + 1)))
            : KeptTime.IsWithin(row.Number(at)) && KeptEvent.FaultOf(row.Bytes(topic).ToArray(), row.Bytes(topic + 1).Length,
                row.Bytes(topic + 2).ToArray(), row.Bytes(topic + 3).Length) is null;
    }

    private static Statement Fill(Statement into, long rowId, in KeptRecord row, int crc) => into.Bind(1, rowId).Bind(2, row.Number(1))
        .Bind(3, row.Number(2)).Bind(4, Counted(row, 4)).Bind(5, row.Bytes(4)).Bind(6, row.Bytes(5)).Bind(7, row.Bytes(6))
        .Bind(8, row.Bytes(7)).Bind(9, Number(row, crc)).Bind(10, Number(row, crc + 1));

    // What an event counts is not in its checksum: it follows from the content.
    private static long Counted(in KeptRecord row, int topic) => row.Bytes(topic).Length + row.Bytes(topic + 1).Length
        + row.Bytes(topic + 2).Length + row.Bytes(topic + 3).Length + CountedBeside;

    private static long? Number(in KeptRecord row, int column) =>
        column >= row.Count || row.IsNull(column) ? null : row.Number(column);

    private static bool Consumer(string name, string stream) =>
        ConsumerName.TryParse(name, out _, out _) && StreamPath.TryParse(stream, out _, out _);

    private bool Consumer(long id, string name, string stream)
    {
        if (id <= 0 || !Consumer(name, stream))
        {
            return false;
        }

        target.Into("consumers", "id, name, stream").Bind(1, id).Bind(2, name).Bind(3, stream).Run();
        return true;
    }

    private bool Name(long id, string stream, long number)
    {
        if (id <= 0 || !StreamPath.TryParse(stream, out StreamPath path, out _) || number is < 0 or >= PartitionId.MaxCount)
        {
            return false;
        }

        SavedPartition known = target.Partition(id);
        known.Partition ??= new StreamPartition(path, new PartitionId((int)number));
        return true;
    }

    private void Key(long id, string name)
    {
        target.Database.Execute(SealKeys.Schema);
        target.Into("keys", "id, name").Bind(1, id).Bind(2, name).Run();
    }

    private void SawStaged(long rowId)
    {
        SavedPartition partition = target.Partition(rowId >> OutboxDatabase.SequenceBits);
        partition.StageHighest = Math.Max(partition.StageHighest, OutboxDatabase.SequenceOf(rowId));
    }

    private bool IsNamed(long rowId)
    {
        bool named = target.Partitions.TryGetValue(rowId >> OutboxDatabase.SequenceBits, out SavedPartition? known)
            && known.Partition is not null;
        report.Nameless += named ? 0 : 1;
        return named;
    }
}
