using Streams.Core;

namespace Streams.Client;

/// <summary>Holds an outbox's file against its format (docs/client.md): every page, every row, and what the tables say of each
/// other.</summary>
/// <remarks>A file that is in use changes while it is looked at: what the tables say of each other is then read at one moment for each
/// partition, and single rows by themselves.</remarks>
internal sealed class OutboxVerifier
{
    private static readonly TimeSpan LongestWhileInUse = TimeSpan.FromSeconds(1);

    private readonly OutboxReading _reading;
    private readonly Action<OutboxFinding> _tell;
    private readonly TimeProvider _time;
    private long _findings;
    private long _repairable;

    private OutboxVerifier(OutboxReading reading, Action<OutboxFinding> tell, TimeProvider time)
    {
        _reading = reading;
        _tell = tell;
        _time = time;
    }

    /// <summary>Verifies the file; each finding is told as it is found.</summary>
    /// <exception cref="StorageFailedException">The file cannot be read.</exception>
    public static OutboxVerdict Verify(OutboxReading reading, Action<OutboxFinding> tell, TimeProvider time,
        CancellationToken cancellationToken)
    {
        OutboxVerifier verifier = new(reading, tell, time);
        bool whole = verifier.Integrity();
        long events = 0;
        try
        {
            verifier.Meta();
            CopyChecks.Look(reading, verifier.Found);
            verifier.Partitions(cancellationToken);
            events = new EventChecks(reading, verifier.Found).Run(cancellationToken);
            new ConsumerChecks(reading, verifier.Found).Run();
        }
        catch (DamagedOutboxException e)
        {
            verifier.Found("file-damaged", "file", $"it could not be read to its end: {e.Message}", isRepairable: true);
        }

        return new OutboxVerdict(verifier._findings, verifier._repairable, events, whole);
    }

    /// <summary>Whether a line of SQLite's check tells of an index alone, which can be made anew from its table.</summary>
    public static bool IsOfIndex(string line) =>
        line.Contains("missing from index", StringComparison.Ordinal) || line.Contains("entries in index", StringComparison.Ordinal);

    private void Found(string code, string place, string message, bool isRepairable)
    {
        _findings++;
        _repairable += isRepairable ? 1 : 0;
        _tell(new OutboxFinding(code, place, message, isRepairable));
    }

    private bool Integrity()
    {
        List<string> said = [];
        void Check()
        {
            using Statement check = _reading.Prepare("PRAGMA integrity_check(100)");
            while (check.Step())
            {
                said.Add(check.Text(0));
            }
        }

        bool whole = true;
        try
        {
            if (_reading.IsInUse)
            {
                whole = _reading.Interruptible(LongestWhileInUse, _time, Check);
            }
            else
            {
                Check();
            }
        }
        catch (DamagedOutboxException e)
        {
            said.Add(e.Message);
        }

        foreach (string line in said.Where(static line => line != "ok").SelectMany(static line => line.Split('\n')))
        {
            bool index = IsOfIndex(line);
            Found(index ? "index-damaged" : "file-damaged", "file", line, isRepairable: true);
        }

        if (!_reading.IsInUse && FaultInJournal() is { } fault)
        {
            Found("file-damaged", "journal", fault, isRepairable: true);
        }

        return whole;
    }

    private string? FaultInJournal()
    {
        using PageSource source = new(_reading.Path);
        return source.Journal.Fault ?? (source.Journal.Gone > 0 ? $"its last {source.Journal.Gone} pages are gone" : null);
    }

    private void Meta()
    {
        bool hasCopy = _reading.Format >= OutboxDatabase.Format && CopyChecks.Producer(_reading.Prepare) is not null;
        using (Statement producer = _reading.Prepare("SELECT length(value) FROM meta WHERE key='producer'"))
        {
            if (!producer.Step())
            {
                Found("producer-missing", "meta 'producer'", "the file names no producer: the next opening makes a new one, and events that"
                    + " were sent already may come twice", hasCopy);
            }
            else if (producer.Long(0) != ProducerId.Size)
            {
                Found("producer-damaged", "meta 'producer'", $"the producer's id has {producer.Long(0)} bytes instead of {ProducerId.Size}",
                    hasCopy);
            }
        }

        using Statement streams = _reading.Prepare("SELECT stream, partitions FROM streams ORDER BY stream");
        while (streams.Step())
        {
            if (!StreamPath.TryParse(streams.Text(0), out _, out string? fault) || streams.Long(1) is < 1 or > PartitionId.MaxCount)
            {
                Found("stream-damaged", $"streams '{streams.Text(0)}'",
                    fault ?? $"{streams.Long(1)} partitions: must be 1 to {PartitionId.MaxCount}", isRepairable: true);
            }
        }
    }

    private void Partitions(CancellationToken cancellationToken)
    {
        List<long> rows = [];
        using (Statement select = _reading.Prepare("SELECT id, stream, partition FROM partitions ORDER BY id"))
        {
            while (select.Step())
            {
                rows.Add(select.Long(0));
                if (!StreamPath.TryParse(select.Text(1), out _, out string? fault) || select.Long(2) is < 0 or >= PartitionId.MaxCount)
                {
                    Found("partition-damaged", $"partitions {select.Long(0)}",
                        (fault ?? $"partition {select.Long(2)}: must be 0 to {PartitionId.MaxCount - 1}") + "; its events cannot be sent",
                        isRepairable: false);
                }
            }
        }

        for (int i = 0; i < rows.Count; i++)
        {
            if (rows[i] != i + 1)
            {
                Found("partition-numbers", $"partitions {rows[i]}",
                    $"the numbers of partitions go from 1 on without a gap, {i + 1} is missing:"
                    + " the next new partition would take the number of another", isRepairable: false);
                break;
            }
        }

        foreach (long row in rows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _reading.BeginMoment();
            try
            {
                Partition(row);
            }
            finally
            {
                _reading.EndMoment();
            }
        }
    }

    private void Partition(long row)
    {
        using Statement select = _reading.Prepare("SELECT stream || '#' || partition, next, events, bytes FROM partitions WHERE id=?");
        if (!select.Bind(1, row).Step())
        {
            return;
        }

        string place = $"partitions {row} ({select.Text(0)})";
        long next = select.Long(1);
        (long events, long bytes) = (select.Long(2), select.Long(3));
        (long First, long Last) ids = (OutboxDatabase.EventId(row, 0), OutboxDatabase.EventId(row + 1, 0) - 1);
        using Statement sum = _reading.Prepare("SELECT count(*), coalesce(sum(bytes), 0), coalesce(max(id), 0) FROM events"
            + " WHERE id BETWEEN ? AND ?");
        sum.Bind(1, ids.First).Bind(2, ids.Last).Step();
        if (sum.Long(0) != events || sum.Long(1) != bytes)
        {
            string stuck = events == 0 && sum.Long(0) > 0 ? ": they would never be sent" : string.Empty;
            Found("partition-count", place, $"says {events} events of {bytes} bytes wait, {sum.Long(0)} of {sum.Long(1)} do{stuck}",
                isRepairable: true);
        }

        using Statement refused = _reading.Prepare("SELECT coalesce(max(id), 0) FROM refused WHERE id BETWEEN ? AND ?");
        refused.Bind(1, ids.First).Bind(2, ids.Last).Step();
        long highest = OutboxDatabase.SequenceOf(Math.Max(sum.Long(2), refused.Long(0)));
        if (next < 1 || highest >= next)
        {
            Found("partition-next", place, $"the next sequence is {next}, but {highest} is given already: it would be given twice",
                isRepairable: true);
        }

        Epochs(row, place, ids);
    }

    // An event is sent under the epoch that the table of epochs has for its sequence (R7); the row says under which it was stored.
    private void Epochs(long row, string place, (long First, long Last) ids)
    {
        using Statement wrong = _reading.Prepare("SELECT count(*), min(id) FROM events WHERE id BETWEEN ?1 AND ?2 AND epoch IS NOT"
            + " (SELECT epoch FROM epochs WHERE partition=?3 AND first <= (events.id & ((1 << 44) - 1)) ORDER BY first DESC LIMIT 1)");
        wrong.Bind(1, ids.First).Bind(2, ids.Last).Bind(3, row).Step();
        if (wrong.Long(0) > 0)
        {
            Found("epochs-wrong", place, $"the epochs kept do not cover {wrong.Long(0)} of its events, from"
                + $" {OutboxDatabase.SequenceOf(wrong.Long(1))} on: they would not be sent", isRepairable: true);
        }
    }
}
