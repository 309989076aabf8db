using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Streams.Core;

namespace Streams.Cluster;

/// <summary>The bytes of a small file of the catalog: JSON with a format number and a checksum over the whole record.</summary>
internal static class SealedFile
{
    /// <summary>The format written and read here.</summary>
    public const int CurrentFormat = 1;

    /// <summary>No file of the catalog is longer, even with all clusters of a world of a hundred thousand in it: nothing else is read by
    /// mistake.</summary>
    public const int MaxBytes = 8 << 20;

    /// <summary>The bytes of a record, its checksum filled in.</summary>
    public static byte[] Write<T>(T record, JsonTypeInfo<T> type)
        where T : SealedRecord
    {
        T unsealed = (T)(record with { Checksum = string.Empty });
        return JsonSerializer.SerializeToUtf8Bytes((T)(unsealed with { Checksum = Checksum(unsealed, type) }), type);
    }

    /// <summary>Reads and checks a record.</summary>
    /// <exception cref="ConfigurationException">Made by a newer version of the program.</exception>
    /// <exception cref="DamagedFileException">Damaged.</exception>
    public static T Read<T>(string path, ReadOnlySpan<byte> bytes, JsonTypeInfo<T> type)
        where T : SealedRecord
    {
        try
        {
            CheckFormat(path, bytes, type);
            T record = JsonSerializer.Deserialize(bytes, type) ?? throw new JsonException("is null");
            return record.Checksum == Checksum((T)(record with { Checksum = string.Empty }), type)
                ? record
                : throw new JsonException("the checksum does not match");
        }
        catch (JsonException fault)
        {
            throw new DamagedFileException($"{path} is damaged: {FirstLine(fault.Message)}", fault);
        }
    }

    private static void CheckFormat<T>(string path, ReadOnlySpan<byte> bytes, JsonTypeInfo<T> type)
        where T : SealedRecord
    {
        Utf8JsonReader reader = new(bytes);
        using JsonDocument document = JsonDocument.ParseValue(ref reader);
        if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("format", out JsonElement format)
            || !format.TryGetInt32(out int number))
        {
            throw new JsonException("it has no format number");
        }

        if (number > CurrentFormat && !IsSealedAs(CurrentFormat, document, type))
        {
            throw new ConfigurationException(
                $"{path} has format {number}, this program reads up to format {CurrentFormat}: "
                + "use the newer version of Streams that wrote it");
        }
    }

    // A record of this format whose number alone was damaged is not of a newer program.
    private static bool IsSealedAs<T>(int format, JsonDocument document, JsonTypeInfo<T> type)
        where T : SealedRecord
    {
        try
        {
            return document.Deserialize(type) is { } record
                && record.Checksum == Checksum((T)(record with { Format = format, Checksum = string.Empty }), type);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static string Checksum<T>(T unsealed, JsonTypeInfo<T> type) =>
        Crc32C.Compute(JsonSerializer.SerializeToUtf8Bytes(unsealed, type)).ToString("x8", CultureInfo.InvariantCulture);

    private static string FirstLine(string message) => message.ReplaceLineEndings(" ");
}
