using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace FieldTrial;

/// <summary>A report as JSON.</summary>
internal static class ReportFile
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,      // a file, not a web page: origins and paths stay readable
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    public static string Text<T>(T report) => JsonSerializer.Serialize(report, Format);

    public static Task WriteAsync<T>(string path, T report) => File.WriteAllTextAsync(path, Text(report) + "\n");
}
