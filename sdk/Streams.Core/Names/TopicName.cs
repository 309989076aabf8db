using System.Buffers;
using System.Text;

namespace Streams.Core;

/// <summary>The name of a topic inside its stream: <c>car-17/telemetry</c>. It may be empty: the topic of the stream itself.</summary>
/// <remarks>UTF-8 without control characters and without the MQTT wildcards <c>+</c> and <c>#</c>. Levels are parted by slashes.</remarks>
public readonly record struct TopicName : IComparable<TopicName>
{
    /// <summary>Longest name in bytes of UTF-8: a topic costs an index entry, and a million of them must fit in memory.</summary>
    public const int MaxBytes = 4096;

    private static readonly SearchValues<byte> PlainAscii =
        SearchValues.Create(" !\"$%&'()*,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"u8);

    private readonly string? _value;

    private TopicName(string value) => _value = value;

    /// <summary>The text of the name.</summary>
    public string Value => _value ?? string.Empty;

    /// <summary>Reads a name.</summary>
    /// <exception cref="InvalidNameException">The text is no topic name; the message says why.</exception>
    public static TopicName Parse(string? text) =>
        TryParse(text, out TopicName name, out string? fault) ? name : throw new InvalidNameException(fault!);

    /// <summary>Reads a name without throwing; <paramref name="fault"/> says what is wrong and what would be right.</summary>
    public static bool TryParse(string? text, out TopicName name, out string? fault)
    {
        name = default;
        fault = NameRules.Fault("topic name", text, MaxBytes, mayBeEmpty: true);
        if (fault is null && text.AsSpan().IndexOfAny('+', '#') is var bad and >= 0)
        {
            fault = $"topic name '{text}': '{text![bad]}' at {bad} is a wildcard; wildcards belong in filters";
        }

        if (fault is null)
        {
            name = new TopicName(text!);
        }

        return fault is null;
    }

    /// <summary>Whether these bytes are a topic name, without making a string of them.</summary>
    public static bool IsValid(ReadOnlySpan<byte> utf8) =>
        utf8.Length <= MaxBytes && (utf8.IndexOfAnyExcept(PlainAscii) < 0 || IsValidBeyondAscii(utf8));

    private static bool IsValidBeyondAscii(ReadOnlySpan<byte> utf8) =>
        utf8.IndexOfAny((byte)'+', (byte)'#') < 0 && NameRules.IsPlainText(utf8);

    /// <summary>The name of bytes that <see cref="IsValid"/> accepted.</summary>
    public static TopicName FromValidated(ReadOnlySpan<byte> utf8) => new(Encoding.UTF8.GetString(utf8));

    /// <inheritdoc/>
    public int CompareTo(TopicName other) => string.CompareOrdinal(Value, other.Value);

    /// <summary>The text of the name.</summary>
    public override string ToString() => Value;
}
