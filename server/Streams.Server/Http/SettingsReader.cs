using System.Globalization;
using System.Text.Json;
using Streams.Core;
using Streams.Gateways;

namespace Streams.Server;

/// <summary>Settings of a stream as JSON. What is not named stays as it is; <c>"forever"</c> takes a limit away.</summary>
internal static class SettingsReader
{
    public const string Forever = "forever";

    private const string Known = "partitions, retentionAge, retentionBytes, durability";

    /// <summary>What a body asks for, or <see langword="null"/> and all that is wrong with it.</summary>
    public static StreamSettings? Read(JsonElement body, StreamSettings? known, out string? fault)
    {
        List<string> faults = [];
        StreamSettings settings = known ?? StreamSettings.Default;
        if (body.ValueKind != JsonValueKind.Object)
        {
            faults.Add($"the body must be a JSON object with any of {Known}");
        }
        else
        {
            foreach (JsonProperty property in body.EnumerateObject())
            {
                settings = With(settings, property, faults);
            }
        }

        if (faults.Count == 0 && settings.Fault is { } wrong)
        {
            faults.Add(wrong);
        }

        if (known is not null && settings.Partitions < known.Partitions)
        {
            faults.Add($"partitions: {settings.Partitions}, the stream has {known.Partitions}; they can be raised, never lowered");
        }

        fault = faults.Count == 0 ? null : string.Join("; ", faults);
        return fault is null ? settings : null;
    }

    public static SettingsAnswer Write(StreamPath stream, StreamSettings settings) => new(
        stream.Value,
        settings.Partitions,
        settings.RetentionAge is { } age ? DurationText.Write(age) : Forever,
        settings.RetentionBytes is { } bytes ? JsonSerializer.SerializeToElement(bytes, ApiJson.Default.Int64)
            : JsonSerializer.SerializeToElement(Forever, ApiJson.Default.String),
        settings.Durability == Durability.Written ? "written" : "flushed");

    private static StreamSettings With(StreamSettings settings, JsonProperty property, List<string> faults)
    {
        JsonElement value = property.Value;
        switch (property.Name)
        {
            case "stream":
                return settings;                     // an answer may be sent back as it came
            case "partitions":
                return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int partitions)
                    ? settings with { Partitions = partitions }
                    : Wrong(settings, faults, property, $"must be a number from 1 to {PartitionId.MaxCount}");
            case "retentionAge":
                return IsForever(value) ? settings with { RetentionAge = null }
                    : DurationText.TryParse(Text(value), out TimeSpan age) ? settings with { RetentionAge = age }
                    : Wrong(settings, faults, property, $"{DurationText.Expected}, or \"{Forever}\"");
            case "retentionBytes":
                return IsForever(value) ? settings with { RetentionBytes = null }
                    : value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long bytes)
                        ? settings with { RetentionBytes = bytes }
                    : Wrong(settings, faults, property, $"must be a number of bytes, or \"{Forever}\"");
            case "durability":
                return Text(value) switch
                {
                    "flushed" => settings with { Durability = Durability.Flushed },
                    "written" => settings with { Durability = Durability.Written },
                    _ => Wrong(settings, faults, property, "must be \"flushed\" or \"written\""),
                };
            default:
                faults.Add($"'{property.Name}' is no setting; there are {Known}");
                return settings;
        }
    }

    private static bool IsForever(JsonElement value) => value.ValueKind == JsonValueKind.String && value.GetString() == Forever;

    private static string Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Number when value.TryGetInt64(out long number) => number.ToString(CultureInfo.InvariantCulture),
        _ => string.Empty,
    };

    private static StreamSettings Wrong(StreamSettings settings, List<string> faults, JsonProperty property, string expected)
    {
        faults.Add($"{property.Name}: {property.Value.GetRawText()} {expected}");
        return settings;
    }
}
