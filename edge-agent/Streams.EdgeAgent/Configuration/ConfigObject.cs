using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Streams.Gateways;

namespace Streams.EdgeAgent;

/// <summary>Reads a text; <paramref name="fault"/> says what is wrong and what would be right.</summary>
internal delegate bool TextReading<T>(string? text, out T? value, out string? fault);

/// <summary>An object of the configuration. What is asked of it that is not there is the default; what is there and wrong, or was never
/// asked for, is a fault that names its path. Reading goes on after a fault, so that all are found at once.</summary>
internal sealed class ConfigObject
{
    private readonly Dictionary<string, JsonElement> _values = new(StringComparer.Ordinal);
    private readonly List<string> _known = [];
    private readonly List<string> _faults;

    /// <summary>Over a JSON value, which should be an object.</summary>
    public ConfigObject(JsonElement element, string path, List<string> faults)
    {
        Path = path;
        _faults = faults;
        if (element.ValueKind != JsonValueKind.Object)
        {
            Add(path, $"must be an object, {{…}}, not {Kind(element)}");
            return;
        }

        foreach (JsonProperty property in element.EnumerateObject())
        {
            if (!_values.TryAdd(property.Name, property.Value))
            {
                Add(At(property.Name), "stands twice");
            }
        }
    }

    /// <summary>Where it is: <c>listeners[0].tls</c>; empty for the whole.</summary>
    public string Path { get; }

    /// <summary>The path of one of its values.</summary>
    public string At(string key) => Path.Length == 0 ? key : $"{Path}.{key}";

    /// <summary>Whether there is such a value.</summary>
    public bool Has(string key) => _values.ContainsKey(key);

    /// <summary>Adds a fault of one of its values.</summary>
    public void Fault(string key, string fault) => Add(At(key), fault);

    /// <summary>Adds a fault if the value is missing.</summary>
    public void Require(string key, string example)
    {
        if (!_values.ContainsKey(key))
        {
            _known.Add(key);
            Add(At(key), $"is missing; for example {example}");
        }
    }

    /// <summary>A text.</summary>
    public string? Text(string key)
    {
        if (Find(key) is not { } value)
        {
            return null;
        }

        string? text = value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        if (string.IsNullOrEmpty(text) || text.Contains('\0', StringComparison.Ordinal))
        {
            Add(At(key), $"must be a text in quotes, not empty, not {Kind(value)}");
            return null;
        }

        return text;
    }

    /// <summary>A text that is read further.</summary>
    /// <param name="key">The key.</param>
    /// <param name="read">Reads it.</param>
    /// <param name="otherwise">When it is not there, or wrong.</param>
    /// <param name="isSecret">Whether it must not stand in the fault.</param>
    public T? Read<T>(string key, TextReading<T> read, T? otherwise, bool isSecret = false)
    {
        if (Text(key) is not { } text)
        {
            return otherwise;
        }

        if (read(text, out T? value, out string? fault))
        {
            return value;
        }

        Add(At(key), isSecret ? fault! : $"'{text}': {fault}");
        return otherwise;
    }

    /// <summary>One of several words.</summary>
    public T Word<T>(string key, T otherwise, params (string Word, T Value)[] words)
    {
        if (Find(key) is not { } value)
        {
            return otherwise;
        }

        string? text = value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        foreach ((string word, T meaning) in words)
        {
            if (text == word)
            {
                return meaning;
            }
        }

        Add(At(key), $"must be {string.Join(" or ", words.Select(static w => $"\"{w.Word}\""))}, not {Shown(value)}");
        return otherwise;
    }

    /// <summary>Whether a value is this word; it may be something else, which is read otherwise.</summary>
    public bool IsWord(string key, string word) => Find(key) is { ValueKind: JsonValueKind.String } value && value.GetString() == word;

    /// <summary>A whole number.</summary>
    public long Number(string key, long otherwise, long least, long most)
    {
        if (Find(key) is not { } value)
        {
            return otherwise;
        }

        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) && number >= least && number <= most)
        {
            return number;
        }

        Add(At(key), string.Create(CultureInfo.InvariantCulture, $"must be a whole number, {least} to {most}, not {Shown(value)}"));
        return otherwise;
    }

    /// <summary>Bytes: a number, or a text as in <c>64 MiB</c>.</summary>
    public long Bytes(string key, long otherwise, long least, long most)
    {
        if (Find(key) is not { } value)
        {
            return otherwise;
        }

        long bytes = 0;
        bool isOne = value.ValueKind == JsonValueKind.String ? ByteSize.TryParse(value.GetString()!, out bytes)
            : value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out bytes);
        if (isOne && bytes >= least && bytes <= most)
        {
            return bytes;
        }

        Add(At(key), $"must be bytes, from {ByteSize.Write(least)} to {ByteSize.Write(most)}, as in 1048576 or \"64 MiB\", "
            + $"not {Shown(value)}");
        return otherwise;
    }

    /// <summary>A duration: seconds as a number, or a text as in <c>PT10S</c>.</summary>
    public TimeSpan Duration(string key, TimeSpan otherwise, TimeSpan least, TimeSpan most)
    {
        if (Find(key) is not { } value)
        {
            return otherwise;
        }

        TimeSpan duration = default;
        string? text = value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Number => value.GetRawText(),
            _ => null,
        };
        if (text is not null && DurationText.TryParse(text, out duration) && duration >= least && duration <= most)
        {
            return duration;
        }

        Add(At(key), $"{DurationText.Expected}, from {DurationText.Write(least)} to {DurationText.Write(most)}, not {Shown(value)}");
        return otherwise;
    }

    /// <summary>An object; <see langword="null"/> when it is not there.</summary>
    public ConfigObject? Object(string key) => Find(key) is { } value ? new ConfigObject(value, At(key), _faults) : null;

    /// <summary>The objects of a list.</summary>
    public IEnumerable<ConfigObject> Objects(string key, int most)
    {
        int at = 0;
        foreach (JsonElement item in Items(key, most))
        {
            yield return new ConfigObject(item, $"{At(key)}[{at++}]", _faults);
        }
    }

    /// <summary>The texts of a list, each read further; those that are wrong are left out.</summary>
    public ImmutableArray<T> Texts<T>(string key, int most, TextReading<T> read)
    {
        ImmutableArray<T>.Builder found = ImmutableArray.CreateBuilder<T>();
        int at = 0;
        foreach (JsonElement item in Items(key, most))
        {
            string place = $"{At(key)}[{at++}]";
            string? text = item.ValueKind == JsonValueKind.String ? item.GetString() : null;
            if (text is null)
            {
                Add(place, $"must be a text in quotes, not {Kind(item)}");
            }
            else if (read(text, out T? value, out string? fault))
            {
                found.Add(value!);
            }
            else
            {
                Add(place, $"'{text}': {fault}");
            }
        }

        return found.ToImmutable();
    }

    /// <summary>Ends the reading: what was not asked for is unknown.</summary>
    public void End()
    {
        foreach (string key in _values.Keys.Where(key => !_known.Contains(key)))
        {
            string? near = _known.FirstOrDefault(known => known.Equals(key, StringComparison.OrdinalIgnoreCase))
                ?? _known.FirstOrDefault(known => key.Length > 2 && known.StartsWith(key, StringComparison.OrdinalIgnoreCase));
            Add(At(key), near is null ? $"unknown, known here are {string.Join(", ", _known)}" : $"unknown, did you mean \"{near}\"?");
        }
    }

    private List<JsonElement> Items(string key, int most)
    {
        if (Find(key) is not { } value)
        {
            return [];
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            Add(At(key), $"must be a list, […], not {Kind(value)}");
            return [];
        }

        List<JsonElement> items = [.. value.EnumerateArray()];
        if (items.Count > most)
        {
            Add(At(key), $"has {items.Count} elements, at most {most} are allowed");
            items.RemoveRange(most, items.Count - most);
        }

        return items;
    }

    private JsonElement? Find(string key)
    {
        _known.Add(key);
        return _values.TryGetValue(key, out JsonElement value) ? value : null;
    }

    private void Add(string path, string fault) => _faults.Add(path.Length == 0 ? fault : $"{path}: {fault}");

    private static string Shown(JsonElement value) =>
        value.ValueKind is JsonValueKind.Number or JsonValueKind.String && value.GetRawText() is { Length: <= 100 } text ? text
            : Kind(value);

    private static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a text",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => value.GetRawText(),
    };
}
