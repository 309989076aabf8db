using System.Collections.Immutable;

namespace Streams.Core;

/// <summary>Where a named consumer is in one partition: for each origin the next offset. Immutable.</summary>
/// <remarks>Cursors join (rule R11, invariant 4): the higher generation wins whole; within one generation each lane takes the greater
/// offset and the
/// jumps unite. The join is commutative, associative and idempotent, so cursors converge whatever way they travel.</remarks>
public sealed class Cursor : IEquatable<Cursor>
{
    /// <summary>Most lanes of one cursor: incarnations of all clusters that ever wrote the partition.</summary>
    public const int MaxLanes = 16_384;

    /// <summary>Most jumps kept; the oldest lanes' jumps are merged into one range each beyond it.</summary>
    public const int MaxJumps = 16_384;

    /// <summary>The cursor of a consumer that has been given nothing yet.</summary>
    public static readonly Cursor Start = new(default, ImmutableSortedDictionary<Origin, Offset>.Empty, []);

    /// <summary>A cursor.</summary>
    public Cursor(Generation generation, ImmutableSortedDictionary<Origin, Offset> positions, ImmutableSortedSet<CursorJump> jumps)
    {
        Generation = generation;
        Positions = positions;
        Jumps = jumps;
    }

    /// <summary>How often it was rewound, and where.</summary>
    public Generation Generation { get; }

    /// <summary>For each lane the next offset; a lane not named is at 0.</summary>
    public ImmutableSortedDictionary<Origin, Offset> Positions { get; }

    /// <summary>The gaps it stepped over.</summary>
    public ImmutableSortedSet<CursorJump> Jumps { get; }

    /// <summary>The next offset in the lane of <paramref name="origin"/>.</summary>
    public Offset this[Origin origin] => Positions.GetValueOrDefault(origin);

    /// <summary>Whether <paramref name="offset"/> lies in a gap that this cursor stepped over.</summary>
    public bool SteppedOver(Origin origin, Offset offset)
    {
        foreach (CursorJump jump in Jumps)
        {
            if (jump.Origin == origin && jump.From <= offset && offset < jump.To)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The join of two cursors of the same consumer and partition.</summary>
    public static Cursor Join(Cursor a, Cursor b)
    {
        int byGeneration = a.Generation.CompareTo(b.Generation);
        if (byGeneration != 0)
        {
            return byGeneration > 0 ? a : b;
        }

        ImmutableSortedDictionary<Origin, Offset>.Builder? positions = null;
        foreach ((Origin origin, Offset offset) in b.Positions)
        {
            if (offset > a[origin])
            {
                positions ??= a.Positions.ToBuilder();
                positions[origin] = offset;
            }
        }

        ImmutableSortedSet<CursorJump> jumps = a.Jumps.Union(b.Jumps);
        return positions is null && jumps.Count == a.Jumps.Count ? a : new Cursor(a.Generation, positions?.ToImmutable() ?? a.Positions,
            jumps);
    }

    /// <summary>The same cursor with the lane of <paramref name="origin"/> at <paramref name="next"/>.</summary>
    public Cursor With(Origin origin, Offset next) => new(Generation, Positions.SetItem(origin, next), Jumps);

    /// <inheritdoc/>
    public bool Equals(Cursor? other) =>
        other is not null && Generation == other.Generation && Positions.SequenceEqual(other.Positions) && Jumps.SetEquals(other.Jumps);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Cursor);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Generation, Positions.Count, Jumps.Count);

    /// <summary>Text form <c>g0 {sj.…=4, ny.…=9}</c>.</summary>
    public override string ToString() => $"g{Generation.Number} {{{string.Join(", ", Positions.Select(p => $"{p.Key}={p.Value}"))}}}";

    /// <summary>Writes the cursor.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.Varint((ulong)Generation.Number);
        if (Generation.Number > 0)
        {
            writer.Origin(Generation.RewoundAt);
        }

        writer.Varint((ulong)Positions.Count);
        foreach ((Origin origin, Offset offset) in Positions)
        {
            writer.Origin(origin);
            writer.Offset(offset);
        }

        writer.Varint((ulong)Jumps.Count);
        foreach (CursorJump jump in Jumps)
        {
            writer.Origin(jump.Origin);
            writer.Offset(jump.From);
            writer.Offset(jump.To);
        }
    }

    /// <summary>Reads a cursor; the reader is failed when it is none.</summary>
    public static Cursor Read(ref ByteReader reader)
    {
        long number = reader.Varint(long.MaxValue);
        Generation generation = new(number, number > 0 ? reader.Origin() : default);
        ImmutableSortedDictionary<Origin, Offset>.Builder positions = ImmutableSortedDictionary.CreateBuilder<Origin, Offset>();
        int count = (int)reader.Varint(MaxLanes);
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            Origin origin = reader.Origin();
            positions[origin] = reader.Offset();
        }

        ImmutableSortedSet<CursorJump>.Builder jumps = ImmutableSortedSet.CreateBuilder<CursorJump>();
        count = (int)reader.Varint(MaxJumps);
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            jumps.Add(new CursorJump(reader.Origin(), reader.Offset(), reader.Offset()));
        }

        return reader.Failed ? Start : new Cursor(generation, positions.ToImmutable(), jumps.ToImmutable());
    }
}
