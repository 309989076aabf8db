namespace Streams.Core;

/// <summary>The generation of a cursor (rule R11): a deliberate rewind raises the number; of two rewinds at once the one of the higher
/// origin wins whole.</summary>
/// <param name="Number">How often the cursor was rewound.</param>
/// <param name="RewoundAt">Where; the default for generation 0.</param>
public readonly record struct Generation(long Number, Origin RewoundAt) : IComparable<Generation>
{
    /// <summary>By number, then by where it was rewound.</summary>
    public int CompareTo(Generation other) => Number != other.Number ? Number.CompareTo(other.Number)
        : RewoundAt.CompareTo(other.RewoundAt);
}

/// <summary>Offsets of a lane that a cursor stepped over because retention had taken them (rule R10): no ground for skipping a
/// twin.</summary>
/// <param name="Origin">The lane.</param>
/// <param name="From">First offset stepped over.</param>
/// <param name="To">Offset behind the last one.</param>
public readonly record struct CursorJump(Origin Origin, Offset From, Offset To) : IComparable<CursorJump>
{
    /// <summary>By lane, then by offset.</summary>
    public int CompareTo(CursorJump other)
    {
        int by = Origin.CompareTo(other.Origin);
        by = by != 0 ? by : From.CompareTo(other.From);
        return by != 0 ? by : To.CompareTo(other.To);
    }
}
