using System.Text.Encodings.Web;
using System.Text.Json;

namespace FleetFailover;

/// <summary>The report as JSON.</summary>
internal static class ReportFile
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,      // a file, not a web page: origins and paths stay readable
    };

    public static string Text(RunReport report) => JsonSerializer.Serialize(report, Format);

    public static Task WriteAsync(string path, RunReport report) => File.WriteAllTextAsync(path, Text(report) + "\n");
}
