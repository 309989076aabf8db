using System.Globalization;
using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Client;

/// <summary>Saves what can be read of a damaged outbox into a new file, which then takes its place; the damaged files are kept beside
/// it.</summary>
/// <remarks>The damaged files are only read, page by page and without SQLite, and each row is held against its checksum. The new file is
/// written beside them, flushed, and given a name that says that it is whole; only then are the damaged ones put aside and the new one put
/// in their place. So a kill at any moment leaves either the damaged files as they were, and the next opening saves anew, or a whole new
/// file, and the next opening only goes on with the names. Failure (no room, a directory that cannot be written): nothing is changed.
/// Memory does not depend on the number of events.</remarks>
internal sealed class OutboxSalvage
{
    private const string Building = ".salvage";
    private const string Whole = ".salvaged-";
    private const string Kept = ".damaged-";
    private const int PagesBetweenLooks = 64;

    private static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(5);
    private static readonly string[] Suffixes = ["-wal", "-shm", string.Empty];

    private readonly string _path;
    private readonly PageSource _source;
    private readonly PageWalk _walk;
    private readonly SalvageTarget _target;
    private readonly SalvageRows _rows;
    private readonly HashSet<string> _torn = [];
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private long _told;
    private long _looked;

    private OutboxSalvage(string path, PageSource source, SalvageTarget target, SalvageReport report, TimeProvider time, ILogger logger)
    {
        _path = path;
        _source = source;
        _walk = new PageWalk(source);
        _target = target;
        _rows = new SalvageRows(target, report);
        _time = time;
        _logger = logger;
        _told = time.GetTimestamp();
    }

    /// <summary>Saves what can be read; the caller holds the outbox's lock, and has no connection open.</summary>
    /// <param name="path">The outbox.</param>
    /// <param name="why">What is wrong with it.</param>
    /// <param name="time">The clock.</param>
    /// <param name="chance">Where a new producer's id would come from.</param>
    /// <param name="logger">Where to tell.</param>
    /// <param name="at">Called at each step.</param>
    /// <param name="asks">Whether a file in which nothing of an outbox is found stays where it is: it may be another kind of file.</param>
    /// <exception cref="StorageFailedException">It cannot be done now; nothing was changed.</exception>
    public static SalvageReport Run(string path, string why, TimeProvider time, Random chance, ILogger logger,
        Action<SalvageStep>? at = null, bool asks = false)
    {
        ClientLog.OutboxDamaged(logger, path, why);
        SalvageReport report = new() { Why = why };
        try
        {
            Remove(path + Building);
            at?.Invoke(SalvageStep.Begun);
            Write(path, report, time, chance, logger, at, asks);
            at?.Invoke(SalvageStep.Written);
            string stamp = StampOf(path, time);
            File.Move(path + Building, path + Whole + stamp);
            at?.Invoke(SalvageStep.Named);
            report.Aside = path + Kept + stamp;
        }
        catch (Exception e) when (e is StorageFailedException or DamagedOutboxException or IOException or UnauthorizedAccessException)
        {
            throw Failed(path, why, e);
        }

        Finish(path, at);
        ClientLog.OutboxSaved(logger, path, report.Events, report.Staged, report.Refused, report.Consumers, report.Missing, report.Aside);
        if (report.IsNewProducer)
        {
            ClientLog.SavedUnderNewProducer(logger, path, report.Producer);
        }

        if (report.Nameless > 0 || report.Torn.Length > 0 || report.Leaps > 0)
        {
            ClientLog.SavedInPart(logger, path, report.Nameless, report.Torn, report.Leaps);
        }

        return report;
    }

    /// <summary>Whether a kill ended the last step, so that <see cref="Finish"/> has something to do.</summary>
    public static bool IsUnderWay(string path) =>
        Path.GetDirectoryName(Path.GetFullPath(path)) is { } directory && Directory.Exists(directory)
        && Directory.EnumerateFiles(directory).Any(f => Path.GetFileName(f).StartsWith(Path.GetFileName(path) + Whole,
            StringComparison.Ordinal));

    /// <summary>Goes on where a kill ended the last step: the new file is whole, and has not taken its place.</summary>
    /// <exception cref="StorageFailedException">The directory cannot be written to; nothing is lost.</exception>
    public static void Finish(string path, Action<SalvageStep>? at = null)
    {
        try
        {
            string prefix = Path.GetFileName(path) + Whole;
            foreach (string whole in Directory.EnumerateFiles(Path.GetDirectoryName(Path.GetFullPath(path))!)
                .Where(f => Path.GetFileName(f).StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToArray())
            {
                string aside = path + Kept + Path.GetFileName(whole)[prefix.Length..];
                foreach (string suffix in Suffixes)
                {
                    if (File.Exists(path + suffix))
                    {
                        File.Move(path + suffix, aside + suffix);
                        at?.Invoke(SalvageStep.PutAside);
                    }
                }

                File.Move(whole, path);
                at?.Invoke(SalvageStep.Done);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageFailedException($"outbox {path}: what was saved of a damaged file could not be put in its place ({e.Message})."
                + " Nothing is lost; the next opening tries again", e);
        }
    }

    private static void Write(string path, SalvageReport report, TimeProvider time, Random chance, ILogger logger,
        Action<SalvageStep>? at, bool asks)
    {
        using PageSource source = new(path);
        using SalvageTarget target = new(path + Building);
        OutboxSalvage salvage = new(path, source, target, report, time, logger);
        salvage.ReadNames();
        at?.Invoke(SalvageStep.NamesRead);
        salvage.ReadEvents();
        at?.Invoke(SalvageStep.Read);
        if (asks && target.Producer is null && target.Partitions.Count == 0)
        {
            throw new StorageFailedException("nothing of an outbox is found in it");
        }

        if (target.Producer is null)
        {
            report.IsNewProducer = true;
            target.Producer = ProducerId.Create(chance);
        }

        report.Producer = target.Producer.Value;
        target.Finish(KeptTime.From(time.GetUtcNow()), source.Journal.Fault is null && source.Journal.Gone == 0,
            source.Journal.HasLostFrames, salvage._torn.Contains, report);
        if (source.Journal.HasLostFrames)
        {
            salvage._torn.UnionWith(["refused", "stand", "consumers", "cursors", "given"]);      // of any of them
        }

        report.Torn = string.Join(", ", salvage._torn.Where(static t => t is not ("events" or "staged" or "copies")).Order());
        target.Commit();
    }

    private bool IsJournalTorn => _source.Journal.Fault is not null;

    // Names before events: an event whose partition has none cannot be sent.
    private void ReadNames()
    {
        _rows.IsInPlace = true;
        _walk.Walk(1, hasRowIds: true, hasChecks: false, Counted(_rows.Table));
        Walk("copies", true, true, _rows.Copy);
        if (!_rows.Copies.ContainsKey(OutboxCopies.Roots))
        {
            _walk.Loose(Counted(_rows.Copy), Counted(static (_, in _) => true));
        }

        Walk("meta", false, false, _rows.Meta);
        if (_rows.Roots.ContainsKey("keys"))
        {
            Walk("keys", true, false, _rows.Key);
        }

        Walk("openings", true, false, _rows.Opening);
        Walk("streams", false, false, _rows.Stream);
        Walk("partitions", true, true, _rows.Partition);
        Walk("sqlite_autoindex_partitions_1", false, false, _rows.PartitionIndex);
        Walk("stages", true, true, _rows.StageCounts);
        Walk("epochs", false, false, _rows.Epoch);
        Walk("ages", true, false, _rows.Age);
        Walk("stand", false, false, _rows.Stand);
        Walk("consumers", true, false, _rows.Consumer);
        Walk("sqlite_autoindex_consumers_1", false, false, _rows.ConsumerIndex);
        Walk("cursors", false, false, _rows.Cursor);
        Walk("given", false, false, _rows.Given);
        _rows.IsInPlace = false;
        _walk.Broken(Counted(NameRow));
        if (_torn.Count > 0 || IsJournalTorn)
        {
            _walk.Loose(Counted(NameRow), Counted(LooseIndexRow));
        }
    }

    private void ReadEvents()
    {
        _rows.IsInPlace = true;
        Walk("refused", true, true, _rows.Refused);
        Walk("events", true, true, _rows.Event);
        Walk("staged", true, true, _rows.Staged);
        Walk("gaps", true, false, _rows.Gap);
        _rows.IsInPlace = false;
        _walk.Broken(Counted(EventRow));
        if (_torn.Overlaps(["refused", "events", "staged", "gaps"]) || IsJournalTorn)
        {
            _walk.Loose(Counted(LooseEventRow), Counted(static (_, in _) => true));
        }
    }

    private void Walk(string table, bool hasRowIds, bool hasChecks, TakeRow take)
    {
        long unsound = _walk.UnsoundRows;
        if (!_rows.Roots.TryGetValue(table, out uint root))
        {
            _torn.Add(table);
        }
        else if (!_walk.Walk(root, hasRowIds, hasChecks, Counted(take)) || _walk.UnsoundRows > unsound)
        {
            _torn.Add(table);
        }
    }

    private bool NameRow(long rowId, in KeptRecord row) =>
        _rows.Partition(rowId, row) || _rows.StageCounts(rowId, row) || (IsTorn("consumers") && _rows.Consumer(rowId, row));

    // Without checksums: only from pages that are surely in use.
    private bool LooseIndexRow(long rowId, in KeptRecord row) =>
        (_target.Producer is null && row.Is("tb") && _rows.Meta(rowId, row))
        || (_walk.IsFreeKnown && ((IsTorn("sqlite_autoindex_partitions_1") && _rows.PartitionIndex(rowId, row))
            || (IsTorn("sqlite_autoindex_consumers_1") && _rows.ConsumerIndex(rowId, row))
            || (IsTorn("streams") && _rows.Stream(rowId, row))
            || (IsTorn("cursors") && _rows.Cursor(rowId, row)) || (IsTorn("given") && _rows.Given(rowId, row))
            || (IsTorn("stand") && _rows.Stand(rowId, row))));

    private bool EventRow(long rowId, in KeptRecord row) =>
        _rows.Event(rowId, row) || _rows.Refused(rowId, row) || _rows.Staged(rowId, row);

    // A staged event that was numbered since would be sent twice: it counts only from pages that are surely in use.
    private bool LooseEventRow(long rowId, in KeptRecord row) =>
        (IsTorn("events") && _rows.Event(rowId, row)) || (IsTorn("refused") && _rows.Refused(rowId, row))
        || (_walk.IsFreeKnown && ((IsTorn("staged") && _rows.Staged(rowId, row)) || (IsTorn("gaps") && _rows.Gap(rowId, row))));

    // An older state of an inner page leads to older pages, without a fault.
    private bool IsTorn(string table) => IsJournalTorn || _torn.Contains(table);

    private TakeRow Counted(TakeRow take) => (long rowId, in KeptRecord row) =>
    {
        if (_source.Reads - _looked >= PagesBetweenLooks)
        {
            _looked = _source.Reads;
            if (_time.GetElapsedTime(_told) >= TellEvery)
            {
                _told = _time.GetTimestamp();
                ClientLog.Saving(_logger, _path, Math.Min(100, 100 * _source.Reads / Math.Max(1, (long)_source.PageCount)), _target.Rows);
            }
        }

        return take(rowId, row);
    };

    private static void Remove(string file)
    {
        foreach (string suffix in (string[])["-journal", .. Suffixes])
        {
            File.Delete(file + suffix);
        }
    }

    private static string StampOf(string path, TimeProvider time)
    {
        string stamp = time.GetUtcNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);
        for (int n = 1; ; n++)
        {
            string tried = n == 1 ? stamp : $"{stamp}-{n}";
            if (Suffixes.All(suffix => !Path.Exists(path + Kept + tried + suffix)) && !Path.Exists(path + Whole + tried))
            {
                return tried;
            }
        }
    }

    private static StorageFailedException Failed(string path, string why, Exception e)
    {
        try
        {
            Remove(path + Building);
        }
        catch (Exception other) when (other is IOException or UnauthorizedAccessException)
        {
            // The next opening removes it.
        }

        bool full = e is StorageFailedException { IsFull: true };
        return new StorageFailedException($"outbox {path} is damaged ({why}), and what can be read of it cannot be saved now: {e.Message}. "
            + (full ? $"At most {SizeOf(path) + SizeOf(path + "-wal")} bytes are needed on its disk. " : string.Empty)
            + "Nothing was changed; the next opening tries again", e) { IsFull = full };
    }

    private static long SizeOf(string file) => new FileInfo(file) is { Exists: true } found ? found.Length : 0;
}
