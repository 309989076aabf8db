using System.Buffers;
using System.Text.Json;

namespace FieldTrial;

/// <summary>Writes a recorded line as a JSON object: numbers as numbers, blanks as null, all else as text.</summary>
internal sealed class RowJson(IReadOnlyList<string> columns)
{
    private readonly JsonEncodedText[] _columns = [.. columns.Select(column => JsonEncodedText.Encode(column))];
    private readonly List<ReadOnlyMemory<byte>> _fields = [];

    public void Write(ReadOnlyMemory<byte> record, IBufferWriter<byte> output)
    {
        CsvReader.Fields(record, _fields);
        using Utf8JsonWriter json = new(output);
        json.WriteStartObject();
        for (int i = 0; i < _columns.Length; i++)
        {
            ReadOnlySpan<byte> field = _fields[i].Span;
            json.WritePropertyName(_columns[i]);
            if (field.IsEmpty)
            {
                json.WriteNullValue();
            }
            else if (IsNumber(field))
            {
                json.WriteRawValue(field, skipInputValidation: true);
            }
            else
            {
                json.WriteStringValue(field);
            }
        }

        json.WriteEndObject();
    }

    /// <summary>Whether the text is a number of the JSON grammar; 007 and 1. are not, and stay text.</summary>
    internal static bool IsNumber(ReadOnlySpan<byte> text)
    {
        Utf8JsonReader reader = new(text);
        try
        {
            return (char.IsAsciiDigit((char)text[0]) || text[0] == '-') && reader.Read() && reader.TokenType == JsonTokenType.Number
                && reader.BytesConsumed == text.Length;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
