namespace Streams.Storage;

/// <summary>What one pass gave back.</summary>
/// <param name="Segments">Segments deleted.</param>
/// <param name="Bytes">Bytes that the log takes less on disk.</param>
/// <param name="Facts">Facts that were written once more because of it.</param>
/// <param name="Ranges">Ranges given back inside of segments that stay.</param>
public readonly record struct ReclaimReport(long Segments, long Bytes, long Facts, long Ranges)
{
    /// <summary>Both together.</summary>
    public static ReclaimReport operator +(ReclaimReport a, ReclaimReport b) =>
        new(a.Segments + b.Segments, a.Bytes + b.Bytes, a.Facts + b.Facts, a.Ranges + b.Ranges);
}
