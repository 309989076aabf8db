using Streams.Core;

namespace Streams.Cluster;

/// <summary>The name of a node, unique in its cluster: 1 to 63 of <c>a-z 0-9 -</c>, beginning with a letter.</summary>
/// <remarks>So it can be the name of a host or of a pod as well. It stands in keys of the catalog and in frames between nodes. Two
/// processes must never run under one name: the later one shuts the earlier one out of the catalog.</remarks>
public readonly record struct NodeName : IComparable<NodeName>
{
    /// <summary>Longest name in characters: that of a label of a host's name.</summary>
    public const int MaxLength = 63;

    private readonly string? _value;

    private NodeName(string value) => _value = value;

    /// <summary>The text of the name; empty for the default value, which names no node.</summary>
    public string Value => _value ?? string.Empty;

    /// <summary>Whether this is the default value.</summary>
    public bool IsNone => _value is null;

    /// <summary>Reads a name.</summary>
    /// <exception cref="InvalidNameException">The text is no name of a node; the message says why.</exception>
    public static NodeName Parse(string? text) =>
        TryParse(text, out NodeName name, out string? fault) ? name : throw new InvalidNameException(fault!);

    /// <summary>Reads a name without throwing; <paramref name="fault"/> says what is wrong and what would be right.</summary>
    public static bool TryParse(string? text, out NodeName name, out string? fault)
    {
        fault = Fault(text);
        name = fault is null ? new NodeName(text!) : default;
        return fault is null;
    }

    /// <inheritdoc/>
    public int CompareTo(NodeName other) => string.CompareOrdinal(Value, other.Value);

    /// <summary>The text of the name.</summary>
    public override string ToString() => Value;

    private static string? Fault(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return $"node name: {(text is null ? "missing" : "empty")}, 1 to {MaxLength} of a-z, 0-9 and '-' are needed";
        }

        if (text.Length > MaxLength)
        {
            return $"node name '{text[..MaxLength]}…': {text.Length} characters, at most {MaxLength} are allowed";
        }

        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsAsciiLetterLower(text[i]) && (i == 0 || !(char.IsAsciiDigit(text[i]) || text[i] == '-')))
            {
                return char.IsControl(text[i]) || char.IsSurrogate(text[i])
                    ? $"node name: U+{(int)text[i]:X4} at {i} is not allowed; use a-z, 0-9 and '-', a letter first"
                    : $"node name '{text}': '{text[i]}' at {i} is not allowed; use a-z, 0-9 and '-', a letter first";
            }
        }

        return null;
    }
}
