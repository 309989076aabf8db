using System.Globalization;
using Streams.Cluster;
using Streams.Core;
using Streams.Storage;

namespace Streams.Server;

/// <summary>The verb <c>verify DATA</c>: checks every byte of a data directory, whether its server runs or not, and changes
/// nothing.</summary>
internal sealed class VerifyVerb(TextWriter output, TextWriter errors, TimeProvider time)
{
    public const string Name = "verify";
    public const string Usage = "verify DATA [--witness FILE]";

    private const int Good = 0;
    private const int Damaged = 1;
    private static readonly int[] Widths = [-26, 16, 12, 12, 12, 7, -1];

    // A line now and then, for people who wait.
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(2);

    private long _lastProgress;
    private long _bytes;
    private long _faults;

    public int Run(string[] arguments)
    {
        VerbArguments given = new(arguments, ["--witness"], []);
        string? witness = given.Text("--witness");
        given.Check();
        IReadOnlyList<string> containers = DataFolders.Containers(given.Directory);
        CatalogReport? catalog = CatalogVerifier.IsDataDirectory(given.Directory) ? CatalogVerifier.Verify(given.Directory, witness) : null;
        _lastProgress = time.GetTimestamp();
        Line("file", "bytes", "records", "entries", "events", "lanes", "state");
        List<(string File, FileFault Fault)> faults = [];
        foreach (CatalogFileCheck file in catalog?.Files ?? [])
        {
            Write(Path.GetFileName(file.Path), file, faults);
        }

        long entries = 0;
        long events = 0;
        long torn = 0;
        foreach (string container in containers)
        {
            StoreReport report = StoreVerifier.Verify(container, Progress);
            foreach (FileCheck file in report.Files)
            {
                string name = containers[0] == given.Directory ? file.Name : $"{Path.GetFileName(container)}/{file.Name}";
                Write(name, file, faults);
                bool isSegment = file.Name.EndsWith(".seg", StringComparison.Ordinal);
                entries += isSegment ? file.Entries : 0;
                events += isSegment ? file.Events : 0;
                torn += file.Notes.Count(static n => n.StartsWith("torn tail", StringComparison.Ordinal));
            }

            CheckWitness(catalog?.Witness, report, faults);
        }

        foreach ((string file, FileFault fault) in faults)
        {
            output.WriteLine(fault.Offset < 0 ? $"DAMAGE {file}: {fault.What}" : $"DAMAGE {file} at {fault.Offset}: {fault.What}");
        }

        string summary = string.Create(CultureInfo.InvariantCulture, $"{_bytes} bytes, {entries} entries, {events} events");
        output.WriteLine(_faults == 0 ? $"good: {summary}{(torn > 0 ? "; a torn tail, which the next start cuts" : "")}"
            : $"DAMAGED: {_faults} faults; {summary}");
        output.Flush();
        return _faults == 0 ? Good : Damaged;
    }

    private void CheckWitness(WitnessRecord? witness, StoreReport report, List<(string File, FileFault Fault)> faults)
    {
        if (witness is null)
        {
            return;
        }

        Origin own = new(witness.Cluster, witness.Incarnation);
        long here = report.Lanes.Where(l => l.Lane.Origin == own).Sum(static l => l.NextEntry.Value);
        if (here < witness.Entries)
        {
            _faults++;
            faults.Add(("witness", new FileFault(-1, $"it saw {witness.Entries} entries of {own}, the log has {here}")));
        }
    }

    private void Write(string name, CatalogFileCheck file, List<(string File, FileFault Fault)> faults)
    {
        bool isGood = file.Fault.Length == 0;
        Line(name, Text(file.Bytes), "", "", "", "", isGood ? "good" : "DAMAGED");
        _bytes += file.Bytes;
        if (!isGood)
        {
            _faults++;
            faults.Add((name, new FileFault(-1, file.Fault)));
        }
    }

    private void Write(string name, FileCheck file, List<(string File, FileFault Fault)> faults)
    {
        _bytes += file.Bytes;
        _faults += file.FaultCount;
        string state = file.FaultCount == 0 ? "good" : $"DAMAGED, {file.FaultCount} faults";
        Line(name, Text(file.Bytes), Text(file.Records), Text(file.Entries), Text(file.Events), Text(file.Lanes),
            string.Join("; ", [state, .. file.Notes]));
        foreach (FileFault fault in file.Faults)
        {
            faults.Add((name, fault));
        }

        if (file.FaultCount > file.Faults.Count)
        {
            faults.Add((name, new FileFault(-1, $"{file.FaultCount - file.Faults.Count} more faults")));
        }
    }

    private void Progress(long done, long total)
    {
        if (time.GetElapsedTime(_lastProgress) >= ProgressInterval)
        {
            _lastProgress = time.GetTimestamp();
            errors.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"verify: {done >> 20} of {total >> 20} MiB, {100.0 * done / Math.Max(1, total):0} %"));
            errors.Flush();
        }
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private void Line(params string[] cells)
    {
        for (int i = 0; i < cells.Length; i++)
        {
            output.Write(i == 0 ? "" : i == cells.Length - 1 ? "  " : " ");
            output.Write(Widths[i] < 0 ? cells[i].PadRight(-Widths[i]) : cells[i].PadLeft(Widths[i]));
        }

        output.WriteLine();
    }
}
