namespace Streams.Core;

/// <summary>The path of a stream: <c>/fleet</c> or <c>/plants/essen/line-4</c>.</summary>
/// <remarks>Begins with a slash; levels are not empty, are not <c>.</c> or <c>..</c> and hold no <c>+ # :</c> and no control character.
/// A path that begins with <c>/$</c> belongs to the system: clients read and write it only through the verbs made for it.</remarks>
public readonly record struct StreamPath : IComparable<StreamPath>
{
    /// <summary>Longest path in bytes of UTF-8: it is stored with every partition and sent with every batch.</summary>
    public const int MaxBytes = 256;

    private readonly string? _value;

    private StreamPath(string value) => _value = value;

    /// <summary>The text of the path; empty for the default value.</summary>
    public string Value => _value ?? string.Empty;

    /// <summary>Whether the path belongs to the system (<c>/$…</c>).</summary>
    public bool IsSystem => Value.StartsWith("/$", StringComparison.Ordinal);

    /// <summary>Reads a path.</summary>
    /// <exception cref="InvalidNameException">The text is no stream path; the message says why.</exception>
    public static StreamPath Parse(string? text) =>
        TryParse(text, out StreamPath path, out string? fault) ? path : throw new InvalidNameException(fault!);

    /// <summary>Reads a path without throwing; <paramref name="fault"/> says what is wrong and what would be right.</summary>
    public static bool TryParse(string? text, out StreamPath path, out string? fault)
    {
        path = default;
        fault = NameRules.Fault("stream path", text, MaxBytes) ?? LevelFault(text!);
        if (fault is null)
        {
            path = new StreamPath(text!);
        }

        return fault is null;
    }

    private static string? LevelFault(string text)
    {
        if (text[0] != '/')
        {
            return $"stream path '{text}': must begin with '/', as in '/{text}'";
        }

        foreach (Range range in text.AsSpan(1).Split('/'))
        {
            ReadOnlySpan<char> level = text.AsSpan(1)[range];
            if (level.Length == 0)
            {
                return $"stream path '{text}': has an empty level";
            }

            if (level is "." or "..")
            {
                return $"stream path '{text}': a level may not be '{level}'";
            }

            int bad = level.IndexOfAny("+#:");
            if (bad >= 0)
            {
                return $"stream path '{text}': '{level[bad]}' is not allowed";
            }
        }

        return null;
    }

    /// <inheritdoc/>
    public int CompareTo(StreamPath other) => string.CompareOrdinal(Value, other.Value);

    /// <summary>The text of the path.</summary>
    public override string ToString() => Value;
}
