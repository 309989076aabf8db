using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Streams.Core;
using Streams.Storage;

namespace Streams.Server;

/// <summary>The verb <c>dump DATA</c>: the records of the log, one a line, for people or as JSON.</summary>
internal sealed class DumpVerb(TextWriter output)
{
    public const string Name = "dump";
    public const string Usage = "dump DATA [--segment NAME] [--lane TEXT] [--from POSITION] [--max NUMBER] [--json]";

    private readonly ArrayBufferWriter<byte> _json = new();
    private readonly StringBuilder _line = new();

    public int Run(string[] arguments)
    {
        VerbArguments given = new(arguments, ["--segment", "--lane", "--from", "--max"], ["--json"]);
        DumpFilter filter = new(given.Text("--segment"), given.Text("--lane"), given.Number("--from", 0));
        long max = given.Number("--max", long.MaxValue);
        given.Check();
        IReadOnlyList<string> containers = DataFolders.Containers(given.Directory);
        if (filter.Segment is { } segment && !containers.Any(c => LogDump.Segments(c).Contains(segment)))
        {
            throw new ConfigurationException($"--segment '{segment}': there is no such segment in '{given.Directory}'");
        }

        foreach (string container in containers)
        {
            foreach (DumpedRecord record in LogDump.Read(container, filter))
            {
                if (max-- <= 0)
                {
                    break;
                }

                output.WriteLine(given.Has("--json") ? Json(record) : Text(record));
            }
        }

        output.Flush();
        return ServerProgram.Stopped;
    }

    private string Text(DumpedRecord record)
    {
        _line.Clear();
        _line.Append(CultureInfo.InvariantCulture, $"{record.Position,12} {record.Kind,-9}");
        if (record.Lane.Length > 0)
        {
            _line.Append(' ').Append(record.Lane);
        }

        foreach ((string name, object value) in record.Fields)
        {
            _line.Append(' ').Append(name).Append('=');
            if (value is string[] list)
            {
                _line.Append('[').AppendJoin(", ", list).Append(']');
            }
            else
            {
                _line.Append(CultureInfo.InvariantCulture, $"{value}");
            }
        }

        return _line.ToString();
    }

    private string Json(DumpedRecord record)
    {
        _json.ResetWrittenCount();
        using (Utf8JsonWriter json = new(_json, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("segment", record.Segment);
            json.WriteNumber("position", record.Position);
            json.WriteString("kind", record.Kind);
            if (record.Lane.Length > 0)
            {
                json.WriteString("lane", record.Lane);
            }

            foreach ((string name, object value) in record.Fields)
            {
                json.WritePropertyName(name);
                Write(json, value);
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(_json.WrittenSpan);
    }

    private static void Write(Utf8JsonWriter json, object value)
    {
        switch (value)
        {
            case string[] list:
                json.WriteStartArray();
                foreach (string text in list)
                {
                    json.WriteStringValue(text);
                }

                json.WriteEndArray();
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            default:
                json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
        }
    }
}
