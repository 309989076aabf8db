namespace EdgeGateway;

/// <summary>Recordings of real machines and vehicles, where there are some: each recorded device plays several machines, each of which
/// begins elsewhere in it. What is played is the values; the pace is the run's.</summary>
internal sealed class Recordings
{
    /// <summary>Names the folder, where it is not found by itself.</summary>
    public const string Variable = "STREAMS_SAMPLE_DATA";

    private static readonly string[] Known = ["nab_sensors/readings.csv", "kit_obd2/trips.csv.gz"];

    private readonly List<(ReplayFile File, int[] Rows)> _devices = [];

    private Recordings(string name) => Name = name;

    /// <summary>What is played, for people.</summary>
    public string Name { get; private set; }

    /// <summary>The folder that was asked for, that the variable names, or <c>shared/data</c> beside or above this repository;
    /// <see langword="null"/> when there is none.</summary>
    public static string? Folder(string? asked, string from)
    {
        if ((asked ?? Environment.GetEnvironmentVariable(Variable)) is { Length: > 0 } named)
        {
            return named;
        }

        for (DirectoryInfo? folder = new(from); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, "shared", "data");
            if (Directory.Exists(candidate))
            {
                return candidate;
            }
        }

        return null;
    }

    /// <summary>Reads what is in a folder; nothing is no fault.</summary>
    /// <exception cref="ReplayFaultException">A file that is there cannot be read.</exception>
    public static Recordings Load(string? folder)
    {
        Recordings all = new("generated readings");
        List<string> found = [];
        foreach (string path in Known.Select(name => folder is null ? name : Path.Combine(folder, name)).Where(File.Exists))
        {
            ReplayFile file = ReplayFile.Load(path);
            all._devices.AddRange(file.Rows.Select((row, i) => (row.Vehicle, i)).GroupBy(static r => r.Vehicle)
                .OrderBy(static g => g.Key).Select(g => (file, g.Select(static r => r.i).ToArray())));
            found.Add($"{file.Rows.Length:#,0} rows of {Path.GetFileName(Path.GetDirectoryName(path))}");
        }

        all.Name = found.Count == 0 ? all.Name : string.Join(" and ", found);
        return all;
    }

    /// <summary>What a machine measures.</summary>
    public IReadings Of(int machine, Random chance)
    {
        if (_devices.Count == 0)
        {
            return new SimulatedReadings(chance);
        }

        (ReplayFile file, int[] rows) = _devices[machine % _devices.Count];
        return new RecordedReadings(file, rows, chance.Next(rows.Length));
    }
}
