using System.Globalization;

namespace Streams.Core;

/// <summary>One life of a cluster's data. A later one closes all earlier ones of the same name (rule R15), so incarnations are
/// ordered.</summary>
/// <remarks>44 bits of milliseconds since 1970, then 20 bits of chance: unique without agreement, and ordered as long as whoever opens one
/// passes the highest it knows to <see cref="After"/>. Text form: 16 hexadecimal digits.</remarks>
public readonly record struct Incarnation(ulong Value) : IComparable<Incarnation>
{
    /// <summary>A new incarnation, greater than <paramref name="known"/> even when the clock went back.</summary>
    public static Incarnation After(Incarnation known, TimeProvider time, Random chance)
    {
        ulong now = ((ulong)time.GetUtcNow().ToUnixTimeMilliseconds() << 20) | (uint)chance.Next(1 << 20);
        return new Incarnation(now > known.Value ? now : known.Value + 1 + (uint)chance.Next(1 << 10));
    }

    /// <summary>Reads 16 hexadecimal digits.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Incarnation incarnation)
    {
        bool ok = ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong value) && text.Length == 16;
        incarnation = new Incarnation(ok ? value : 0);
        return ok;
    }

    /// <inheritdoc/>
    public int CompareTo(Incarnation other) => Value.CompareTo(other.Value);

    /// <summary>16 hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>Order of opening.</summary>
    public static bool operator <(Incarnation a, Incarnation b) => a.Value < b.Value;

    /// <summary>Order of opening.</summary>
    public static bool operator >(Incarnation a, Incarnation b) => a.Value > b.Value;

    /// <summary>Order of opening.</summary>
    public static bool operator <=(Incarnation a, Incarnation b) => a.Value <= b.Value;

    /// <summary>Order of opening.</summary>
    public static bool operator >=(Incarnation a, Incarnation b) => a.Value >= b.Value;
}
