namespace Streams.Core;

/// <summary>The name of a cluster, unique in the world it joins: 1 to 32 of <c>a-z 0-9 -</c>, beginning with a letter or digit.</summary>
/// <remarks>It stands in every entry header, in file names and in Kafka topic names, hence short and plain.</remarks>
public readonly record struct ClusterName : IComparable<ClusterName>
{
    /// <summary>Longest name in characters: it is repeated in every replication path.</summary>
    public const int MaxLength = 32;

    private readonly string? _value;

    private ClusterName(string value) => _value = value;

    /// <summary>The text of the name; empty for the default value, which names no cluster.</summary>
    public string Value => _value ?? string.Empty;

    /// <summary>Reads a name.</summary>
    /// <exception cref="InvalidNameException">The text is no cluster name; the message says why.</exception>
    public static ClusterName Parse(string? text) =>
        TryParse(text, out ClusterName name, out string? fault) ? name : throw new InvalidNameException(fault!);

    /// <summary>Reads a name without throwing; <paramref name="fault"/> says what is wrong and what would be right.</summary>
    public static bool TryParse(string? text, out ClusterName name, out string? fault)
    {
        name = default;
        fault = NameRules.Fault("cluster name", text, MaxLength);
        if (fault is null)
        {
            for (int i = 0; i < text!.Length; i++)
            {
                if (!(char.IsAsciiLetterLower(text[i]) || char.IsAsciiDigit(text[i]) || (i > 0 && text[i] == '-')))
                {
                    fault = $"cluster name '{text}': '{text[i]}' at {i} is not allowed; use a-z, 0-9 and, not first, '-'";
                    return false;
                }
            }

            name = new ClusterName(text);
        }

        return fault is null;
    }

    /// <inheritdoc/>
    public int CompareTo(ClusterName other) => string.CompareOrdinal(Value, other.Value);

    /// <summary>The text of the name.</summary>
    public override string ToString() => Value;
}
