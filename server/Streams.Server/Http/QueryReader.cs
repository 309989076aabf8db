using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Streams.Core;

namespace Streams.Server;

/// <summary>Reads the parameters of a request and remembers what is wrong with them, so that all of it is answered at once.</summary>
internal sealed class QueryReader(HttpRequest request)
{
    private static readonly string[] TimeForms = ["yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd"];

    private readonly List<string> _faults = [];

    /// <summary>What is wrong, or <see langword="null"/>.</summary>
    public string? Fault => _faults.Count == 0 ? null : string.Join("; ", _faults);

    public StreamPath Stream(string name = "stream")
    {
        _ = StreamPath.TryParse(Text(name), out StreamPath path, out string? fault);
        return Note(path, name, fault);
    }

    public ConsumerName Consumer(string name = "consumer")
    {
        _ = ConsumerName.TryParse(Text(name), out ConsumerName consumer, out string? fault);
        return Note(consumer, name, fault);
    }

    public Origin Origin(string name = "origin")
    {
        bool ok = Core.Origin.TryParse(Text(name), out Origin origin);
        return Note(origin, name, ok ? null : "must be a cluster name, a dot and 16 hexadecimal digits, as in sj.0192f3ab4c5d6e7f");
    }

    public PartitionId Partition(string name = "partition") => new((int)Number(name, null, 0, PartitionId.MaxCount - 1));

    /// <summary>A whole number within bounds; <paramref name="otherwise"/> when it is not given, or a fault when that is
    /// <see langword="null"/>.</summary>
    public long Number(string name, long? otherwise, long lowest, long highest)
    {
        string? text = Text(name);
        if (text is null && otherwise is { } value)
        {
            return value;
        }

        bool ok = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            && number >= lowest && number <= highest;
        return Note(ok ? number : lowest, name, ok ? null
            : text is null ? "missing" : $"'{text}' must be a number from {lowest} to {highest}");
    }

    /// <summary>Whether a parameter is given.</summary>
    public bool Has(string name) => request.Query.ContainsKey(name);

    /// <summary>A topic, which may be empty: that of the stream itself.</summary>
    public TopicName Topic(string name = "topic")
    {
        _ = TopicName.TryParse(Text(name), out TopicName topic, out string? fault);
        return Note(topic, name, fault);
    }

    /// <summary>A moment, in UTC when it names no zone.</summary>
    public DateTimeOffset Time(string name)
    {
        bool ok = DateTimeOffset.TryParseExact(Text(name), TimeForms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal,
            out DateTimeOffset time);
        return Note(time, name, ok ? null : $"'{Text(name)}' must be a time as in 2026-01-31T08:30:00Z (a + of a zone is written %2B)");
    }

    /// <summary>Two parameters that say the same thing cannot both be given.</summary>
    public void NotBoth(string name, string other)
    {
        if (Has(name) && Has(other))
        {
            Note(0, name, $"cannot be given together with '{other}'");
        }
    }

    private string? Text(string name) => request.Query.TryGetValue(name, out StringValues values) && values.Count == 1 ? values[0] : null;

    private T Note<T>(T value, string name, string? fault)
    {
        if (fault is not null)
        {
            _faults.Add($"parameter '{name}': {fault}");
        }

        return value;
    }
}
