using System.Collections.Immutable;
using Streams.Core;

namespace Streams.Client;

/// <summary>Keeps the jumps of a cursor within their bound.</summary>
internal static class CursorJumps
{
    /// <summary>The jumps; when there are too many, those of each lane become one. That claims more to be stepped over than was, which
    /// makes a twin come
    /// once more rather than not at all (rule R10).</summary>
    public static ImmutableSortedSet<CursorJump> Bound(ImmutableSortedSet<CursorJump>.Builder jumps)
    {
        if (jumps.Count <= Cursor.MaxJumps)
        {
            return jumps.ToImmutable();
        }

        ImmutableSortedSet<CursorJump>.Builder merged = ImmutableSortedSet.CreateBuilder<CursorJump>();
        foreach (IGrouping<Origin, CursorJump> lane in jumps.GroupBy(static j => j.Origin))
        {
            merged.Add(new CursorJump(lane.Key, lane.Min(static j => j.From), lane.Max(static j => j.To)));
        }

        return merged.ToImmutable();
    }
}
