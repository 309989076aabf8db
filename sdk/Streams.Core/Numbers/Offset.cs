using System.Globalization;

namespace Streams.Core;

/// <summary>The number of an event in its lane: 0, 1, 2, … without gaps. It names the same event in every cluster, for ever (invariant
/// 2).</summary>
public readonly record struct Offset(long Value) : IComparable<Offset>
{
    /// <summary>The first offset of every lane.</summary>
    public static Offset Zero => default;

    /// <summary>This offset and <paramref name="count"/> more.</summary>
    public static Offset operator +(Offset offset, long count) => new(checked(offset.Value + count));

    /// <summary>How many events lie between the two.</summary>
    public static long operator -(Offset a, Offset b) => a.Value - b.Value;

    /// <summary>Order in the lane.</summary>
    public static bool operator <(Offset a, Offset b) => a.Value < b.Value;

    /// <summary>Order in the lane.</summary>
    public static bool operator >(Offset a, Offset b) => a.Value > b.Value;

    /// <summary>Order in the lane.</summary>
    public static bool operator <=(Offset a, Offset b) => a.Value <= b.Value;

    /// <summary>Order in the lane.</summary>
    public static bool operator >=(Offset a, Offset b) => a.Value >= b.Value;

    /// <summary>The greater of the two.</summary>
    public static Offset Max(Offset a, Offset b) => a.Value >= b.Value ? a : b;

    /// <inheritdoc/>
    public int CompareTo(Offset other) => Value.CompareTo(other.Value);

    /// <summary>The number.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
