namespace Streams.Core;

/// <summary>The name under which a consumer's cursor is kept and replicated: 1 to 256 bytes of UTF-8 without control characters.</summary>
public readonly record struct ConsumerName : IComparable<ConsumerName>
{
    /// <summary>Longest name in bytes of UTF-8: it is the key of a cursor, of which there are millions.</summary>
    public const int MaxBytes = 256;

    private readonly string? _value;

    private ConsumerName(string value) => _value = value;

    /// <summary>The text of the name; empty for the default value.</summary>
    public string Value => _value ?? string.Empty;

    /// <summary>Reads a name.</summary>
    /// <exception cref="InvalidNameException">The text is no consumer name; the message says why.</exception>
    public static ConsumerName Parse(string? text) =>
        TryParse(text, out ConsumerName name, out string? fault) ? name : throw new InvalidNameException(fault!);

    /// <summary>Reads a name without throwing; <paramref name="fault"/> says what is wrong and what would be right.</summary>
    public static bool TryParse(string? text, out ConsumerName name, out string? fault)
    {
        fault = NameRules.Fault("consumer name", text, MaxBytes);
        name = fault is null ? new ConsumerName(text!) : default;
        return fault is null;
    }

    /// <inheritdoc/>
    public int CompareTo(ConsumerName other) => string.CompareOrdinal(Value, other.Value);

    /// <summary>The text of the name.</summary>
    public override string ToString() => Value;
}
