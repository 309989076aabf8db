using System.IO.Compression;
using System.Text;

namespace FieldTrial;

/// <summary>A recorded line: when, which vehicle, and where its text stands.</summary>
internal readonly record struct ReplayRow(long UtcTicks, int Vehicle, int Start, int Length);

/// <summary>A recording of vehicles, sorted on time. Holds the text of the file once and 24 bytes a row.</summary>
internal sealed class ReplayFile
{
    /// <summary>Largest recording, unpacked: it is held in memory.</summary>
    public const int MaxBytes = 1 << 30;

    private static readonly string[] IdNames =
        ["vehicle_id", "vehicle", "car_id", "car", "bus_id", "device_id", "device", "id", "unit_id", "asset_id", "tripid", "trip_id",
            "name"];

    private static readonly string[] TimeNames =
        ["timestamp", "time", "datetime", "date_time", "ts", "timestamp_utc", "timestamp_local", "recorded_at", "event_time", "date"];

    private readonly byte[] _text;

    private ReplayFile(byte[] text, IReadOnlyList<string> columns, IReadOnlyList<string> vehicles, ReplayRow[] rows)
    {
        _text = text;
        Columns = columns;
        Vehicles = vehicles;
        Rows = rows;
    }

    public IReadOnlyList<string> Columns { get; }

    /// <summary>Names fit for topics and consumers, by vehicle number, in order of first appearance in time.</summary>
    public IReadOnlyList<string> Vehicles { get; }

    public ReplayRow[] Rows { get; }

    public ReadOnlyMemory<byte> Record(ReplayRow row) => _text.AsMemory(row.Start, row.Length);

    /// <summary>Reads a recording.</summary>
    /// <exception cref="ReplayFaultException">It is none: the message says why, in one line.</exception>
    public static ReplayFile Load(string path, string? idColumn = null, string? timeColumn = null, int maxVehicles = int.MaxValue)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            bool packed = file.ReadByte() == 0x1f && file.ReadByte() == 0x8b;
            file.Position = 0;
            using Stream plain = packed ? new GZipStream(file, CompressionMode.Decompress) : file;
            return Parse(path, ReadAll(path, plain), idColumn, timeColumn, maxVehicles);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new ReplayFaultException($"--replay {path}: {fault.Message}");
        }
    }

    /// <summary>Reads a recording from memory; <paramref name="path"/> is for messages.</summary>
    public static ReplayFile Parse(string path, byte[] text, string? idColumn = null, string? timeColumn = null,
        int maxVehicles = int.MaxValue)
    {
        int start = text.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0;
        (int length, int next) = CsvReader.Record(text.AsSpan(start));
        List<ReadOnlyMemory<byte>> fields = [];
        CsvReader.Fields(text.AsMemory(start, length), fields);
        string[] columns = [.. fields.Select(field => Encoding.UTF8.GetString(field.Span).Trim())];
        int id = Column(path, columns, idColumn, IdNames, "--replay-id");
        int time = Column(path, columns, timeColumn, TimeNames, "--replay-time");

        List<ReplayRow> rows = [];
        VehicleNames names = new();
        for (int at = start + next, line = 2; at < text.Length; at += next, line++)
        {
            (length, next) = CsvReader.Record(text.AsSpan(at));
            if (length == 0)
            {
                continue;
            }

            CsvReader.Fields(text.AsMemory(at, length), fields);
            if (fields.Count != columns.Length)
            {
                throw new ReplayFaultException($"--replay {path}: record {line} has {fields.Count} fields, the header {columns.Length}");
            }

            if (!ReplayTime.TryRead(fields[time].Span, out DateTimeOffset when))
            {
                string shown = Encoding.UTF8.GetString(fields[time].Span);
                throw new ReplayFaultException($"--replay {path}: record {line}, column {columns[time]}: '{shown}' is no time");
            }

            rows.Add(new ReplayRow(when.UtcTicks, names.Number(fields[id].Span), at, length));
        }

        return rows.Count > 0
            ? Sort(text, columns, names, rows, maxVehicles)
            : throw new ReplayFaultException($"--replay {path}: has no records");
    }

    private static ReplayFile Sort(byte[] text, string[] columns, VehicleNames names, List<ReplayRow> rows, int maxVehicles)
    {
        // The place in the file breaks ties: rows of the same instant stay in their order.
        rows.Sort((a, b) => a.UtcTicks != b.UtcTicks ? a.UtcTicks.CompareTo(b.UtcTicks) : a.Start.CompareTo(b.Start));
        int[] renumbered = new int[names.Count];
        List<string> vehicles = [];
        List<ReplayRow> kept = new(rows.Count);
        foreach (ReplayRow row in rows)
        {
            if (renumbered[row.Vehicle] == 0 && vehicles.Count < maxVehicles)
            {
                vehicles.Add(names[row.Vehicle]);
                renumbered[row.Vehicle] = vehicles.Count;
            }

            if (renumbered[row.Vehicle] > 0)
            {
                kept.Add(row with { Vehicle = renumbered[row.Vehicle] - 1 });
            }
        }

        return new ReplayFile(text, columns, vehicles, [.. kept]);
    }

    private static int Column(string path, string[] columns, string? asked, string[] usual, string option)
    {
        IEnumerable<string> wanted = asked is null ? usual : [asked];
        int column = wanted.Select(name => Array.FindIndex(columns, c => c.Equals(name, StringComparison.OrdinalIgnoreCase)))
            .FirstOrDefault(found => found >= 0, -1);
        return column >= 0
            ? column
            : throw new ReplayFaultException(asked is null
                ? $"{option}: none of the columns of {path} is known to hold it ({string.Join(", ", columns)})"
                : $"{option} {asked}: {path} has no such column ({string.Join(", ", columns)})");
    }

    private static byte[] ReadAll(string path, Stream plain)
    {
        using MemoryStream all = new();
        byte[] buffer = new byte[1 << 16];
        for (int read = plain.Read(buffer); read > 0; read = plain.Read(buffer))
        {
            if (all.Length + read > MaxBytes)
            {
                throw new ReplayFaultException($"--replay {path}: is larger than {MaxBytes >> 20} MiB");
            }

            all.Write(buffer, 0, read);
        }

        return all.ToArray();
    }
}

/// <summary>A recording cannot be replayed.</summary>
internal sealed class ReplayFaultException(string message) : Exception(message);
