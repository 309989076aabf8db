using System.Globalization;

namespace Streams.Core;

/// <summary>The number of an entry (batch, cursor commit, fact) in its lane: 0, 1, 2, … without gaps. Lanes replicate by it (invariant
/// 4).</summary>
public readonly record struct EntryNumber(long Value) : IComparable<EntryNumber>
{
    /// <summary>The first entry number of every lane.</summary>
    public static EntryNumber Zero => default;

    /// <summary>This entry and <paramref name="count"/> more.</summary>
    public static EntryNumber operator +(EntryNumber entry, long count) => new(checked(entry.Value + count));

    /// <summary>How many entries lie between the two.</summary>
    public static long operator -(EntryNumber a, EntryNumber b) => a.Value - b.Value;

    /// <summary>Order in the lane.</summary>
    public static bool operator <(EntryNumber a, EntryNumber b) => a.Value < b.Value;

    /// <summary>Order in the lane.</summary>
    public static bool operator >(EntryNumber a, EntryNumber b) => a.Value > b.Value;

    /// <summary>Order in the lane.</summary>
    public static bool operator <=(EntryNumber a, EntryNumber b) => a.Value <= b.Value;

    /// <summary>Order in the lane.</summary>
    public static bool operator >=(EntryNumber a, EntryNumber b) => a.Value >= b.Value;

    /// <summary>The greater of the two.</summary>
    public static EntryNumber Max(EntryNumber a, EntryNumber b) => a.Value >= b.Value ? a : b;

    /// <inheritdoc/>
    public int CompareTo(EntryNumber other) => Value.CompareTo(other.Value);

    /// <summary>The number.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
