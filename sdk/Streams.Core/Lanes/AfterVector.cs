namespace Streams.Core;

/// <summary>The lanes and offsets that a consumer must have passed before it is given a batch (rules R4, R5): in each lane in which the
/// producer knows events of its own to stand, the highest such offset. The own lane is left out.</summary>
public sealed class AfterVector
{
    /// <summary>Most lanes named; a producer that stands in more names the latest. Bounds the head of every entry.</summary>
    public const int MaxLanes = 64;

    /// <summary>Depends on nothing.</summary>
    public static readonly AfterVector Empty = new([]);

    private readonly EventPlace[] _places;

    private AfterVector(EventPlace[] places) => _places = places;

    /// <summary>The places, one a lane, ordered by origin.</summary>
    public ReadOnlySpan<EventPlace> Places => _places;

    /// <summary>How many lanes are named.</summary>
    public int Count => _places.Length;

    /// <summary>A vector of these places, one a lane.</summary>
    /// <exception cref="InvalidRequestException">A lane is named twice, or too many are.</exception>
    public static AfterVector Of(IEnumerable<EventPlace> places)
    {
        EventPlace[] sorted = [.. places];
        if (sorted.Length == 0)
        {
            return Empty;
        }

        Array.Sort(sorted, static (a, b) => a.Origin.CompareTo(b.Origin));
        return IsValid(sorted) ? new AfterVector(sorted)
            : throw new InvalidRequestException($"after: at most {MaxLanes} lanes, each once, {sorted.Length} given");
    }

    /// <summary>What both name: in each lane the higher offset. Beyond <see cref="MaxLanes"/> lanes those that only
    /// <paramref name="other"/> names are left out.</summary>
    public AfterVector Join(AfterVector other)
    {
        if (other.Count == 0 || Count == 0)
        {
            return other.Count == 0 ? this : other;
        }

        List<EventPlace> joined = [.. _places];
        foreach (EventPlace place in other._places)
        {
            int at = Array.FindIndex(_places, p => p.Origin == place.Origin);
            if (at >= 0)
            {
                joined[at] = place.Offset > joined[at].Offset ? place : joined[at];
            }
            else if (joined.Count < MaxLanes)
            {
                joined.Add(place);
            }
        }

        return Of(joined);
    }

    /// <summary>This vector without the lane of <paramref name="own"/>.</summary>
    public AfterVector Without(Origin own)
    {
        int at = Array.FindIndex(_places, p => p.Origin == own);
        if (at < 0)
        {
            return this;
        }

        EventPlace[] rest = new EventPlace[_places.Length - 1];
        Array.Copy(_places, rest, at);
        Array.Copy(_places, at + 1, rest, at, rest.Length - at);
        return rest.Length == 0 ? Empty : new AfterVector(rest);
    }

    /// <summary>Writes the vector.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.Varint((ulong)_places.Length);
        foreach (EventPlace place in _places)
        {
            writer.Origin(place.Origin);
            writer.Offset(place.Offset);
        }
    }

    /// <summary>Reads a vector; the reader is failed when it is none.</summary>
    public static AfterVector Read(ref ByteReader reader)
    {
        int count = (int)reader.Varint(MaxLanes);
        if (reader.Failed || count == 0)
        {
            return Empty;
        }

        EventPlace[] places = new EventPlace[count];
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            places[i] = new EventPlace(reader.Origin(), reader.Offset());
        }

        if (reader.Failed || !IsValid(places))
        {
            reader.Fail();
            return Empty;
        }

        return new AfterVector(places);
    }

    /// <summary>Text form <c>[sj.…:4, ny.…:9]</c>.</summary>
    public override string ToString() => $"[{string.Join(", ", _places)}]";

    private static bool IsValid(EventPlace[] places)
    {
        for (int i = 1; i < places.Length; i++)
        {
            if (places[i - 1].Origin.CompareTo(places[i].Origin) >= 0)
            {
                return false;
            }
        }

        return places.Length <= MaxLanes;
    }
}
