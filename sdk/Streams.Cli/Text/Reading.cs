using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Streams.Cli;

/// <summary>Reads a value; the fault says what is wrong and what would be right.</summary>
internal delegate bool Reader<T>(string? text, out T value, out string? fault);

/// <summary>Options and arguments of the product's own types.</summary>
internal static class Reading
{
    private static readonly (string Unit, double Milliseconds)[] Units =
        [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

    /// <summary>An option that is read by <paramref name="read"/>.</summary>
    public static Option<T> Option<T>(string name, string valueName, string description, Reader<T> read, Func<T>? otherwise = null) =>
        new(name)
    {
        Description = description,
        HelpName = valueName,
        CustomParser = result => One(result, name, read),
        DefaultValueFactory = otherwise is null ? null : _ => otherwise(),
    };

    /// <summary>An option that may stand several times.</summary>
    public static Option<T[]> Options<T>(string name, string valueName, string description, Reader<T> read) => new(name)
    {
        Description = description,
        HelpName = valueName,
        AllowMultipleArgumentsPerToken = false,
        Arity = ArgumentArity.OneOrMore,
        CustomParser = result => [.. result.Tokens.Select(token => Value(result, name, token.Value, read))],
        DefaultValueFactory = static _ => [],
    };

    /// <summary>An argument that must be given.</summary>
    public static Argument<T> Argument<T>(string name, string description, Reader<T> read) => new(name)
    {
        Description = description,
        CustomParser = result => One(result, name, read),
    };

    /// <summary>Reads a duration: <c>500ms</c>, <c>2s</c>, <c>5m</c>, <c>1h</c>, <c>1d</c>.</summary>
    public static bool Duration(string? text, out TimeSpan value, out string? fault)
    {
        value = default;
        fault = $"'{text}' must be a number and a unit, as in 500ms, 2s, 5m, 1h or 1d";
        foreach ((string unit, double milliseconds) in Units)
        {
            if (text is not null && text.EndsWith(unit, StringComparison.Ordinal)
                && double.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture,
                    out double number))
            {
                fault = number * milliseconds <= TimeSpan.FromDays(365).TotalMilliseconds ? null : $"'{text}' is more than a year";
                value = fault is null ? TimeSpan.FromMilliseconds(number * milliseconds) : default;
                return fault is null;
            }
        }

        return false;
    }

    /// <summary>Reads a whole number from 1 to a thousand million.</summary>
    public static bool Count(string? text, out int value, out string? fault)
    {
        bool ok = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value is >= 1 and <= 1_000_000_000;
        fault = ok ? null : $"'{text}' must be a whole number from 1 to 1000000000";
        return ok;
    }

    /// <summary>Reads events per second.</summary>
    public static bool Rate(string? text, out double value, out string? fault)
    {
        bool ok = double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value) && value is > 0 and <= 1e7;
        fault = ok ? null : $"'{text}' must be events per second, more than 0";
        return ok;
    }

    /// <summary>Reads a time: ISO 8601, in UTC when it names no zone.</summary>
    public static bool Time(string? text, out DateTimeOffset? value, out string? fault)
    {
        bool ok = DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time);
        value = ok ? time : null;
        fault = ok ? null : $"'{text}' must be a time, as in 2026-01-31T08:30:00Z";
        return ok;
    }

    private static T One<T>(ArgumentResult result, string name, Reader<T> read) =>
        result.Tokens.Count == 0 ? default! : Value(result, name, result.Tokens[^1].Value, read);

    private static T Value<T>(ArgumentResult result, string name, string text, Reader<T> read)
    {
        if (!read(text, out T value, out string? fault))
        {
            result.AddError($"{name}: {fault}");
        }

        return value;
    }
}
