using System.Buffers;
using System.Collections.Immutable;
using Streams.Core;

namespace Streams.Storage;

/// <summary>What reads entries. Their places are found in memory under the lock, or, in segments that have ended, in index files
/// without it; entries come from the log.</summary>
public sealed partial class Container
{
    private const int PlacesAtOnce = 128;

    /// <summary>Reads flushed entries, beginning with the one that holds <paramref name="from"/> (or the first behind it), at least one
    /// if there is one, else as many as fit <paramref name="maxBytes"/>. Entries that were damaged for longer than
    /// <see cref="ContainerOptions.DamagePatience"/> are as if no longer kept.</summary>
    /// <exception cref="InvalidFormatException">The entry is damaged here.</exception>
    /// <exception cref="StorageFailedException">The disk refused to read.</exception>
    public ValueTask<LaneSlice> ReadAsync(LaneId lane, Offset from, int maxBytes, CancellationToken cancellationToken)
    {
        LanePart part;
        ImmutableSortedDictionary<long, EntryPlace>? repaired;
        long kept;
        int at = 0;
        EntryPlace[]? places = null;
        lock (_gate)
        {
            if (_state.Lanes.Find(lane) is not { Parts: > 0 } found || from.Value >= found.NextOffset)
            {
                return new ValueTask<LaneSlice>(LaneSlice.Empty);
            }

            kept = found.FirstEntry;
            repaired = found.Repaired;
            part = found.Part(found.PartHolding(Math.Max(from.Value, found.FirstOffset)));
            if (part is MemoryPart)
            {
                at = FirstAt(part, repaired, from.Value, kept);
                places = PlacesFrom(part, repaired, at, maxBytes);
            }
        }

        if (places is null)
        {
            at = FirstAt(part, repaired, from.Value, kept);
            places = PlacesFrom(part, repaired, at, maxBytes);
        }

        return ReadKeptAsync(lane, part.FirstEntry + at, places, from, maxBytes, cancellationToken);
    }

    /// <summary>Reads flushed entries from <paramref name="from"/> on: at least one if there is one, else as many as fit
    /// <paramref name="maxBytes"/>. Empty when <paramref name="from"/> is no longer kept or not yet here.</summary>
    /// <exception cref="InvalidFormatException">The entry is damaged here.</exception>
    /// <exception cref="StorageFailedException">The disk refused to read.</exception>
    public ValueTask<LaneSlice> ReadAsync(LaneId lane, EntryNumber from, int maxBytes, CancellationToken cancellationToken)
    {
        LanePart part;
        ImmutableSortedDictionary<long, EntryPlace>? repaired;
        EntryPlace[]? places = null;
        lock (_gate)
        {
            LaneState? found = _state.Lanes.Find(lane);
            if (found is null || from.Value < found.FirstEntry || from.Value >= found.NextEntry)
            {
                return new ValueTask<LaneSlice>(LaneSlice.Empty);
            }

            part = found.Part(found.PartOf(from.Value));
            repaired = found.Repaired;
            if (part is MemoryPart)
            {
                places = PlacesFrom(part, repaired, (int)(from.Value - part.FirstEntry), maxBytes);
            }
        }

        places ??= PlacesFrom(part, repaired, (int)(from.Value - part.FirstEntry), maxBytes);
        return ReadKeptAsync(lane, from.Value, places, null, maxBytes, cancellationToken);
    }

    /// <summary>The offset from which on a lane has what was appended at or behind a time, as its origin counted it; behind its end when
    /// there is nothing. A clock that was set back there is taken to have stood still.</summary>
    /// <exception cref="InvalidFormatException">An index is damaged here.</exception>
    /// <exception cref="StorageFailedException">The disk refused to read.</exception>
    public Offset FindTime(LaneId lane, DateTimeOffset time)
    {
        long wanted = (time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        LanePart? part;
        lock (_gate)
        {
            if (_state.Lanes.Find(lane) is not { } found)
            {
                return Offset.Zero;
            }

            int low = 0;
            for (int high = found.Parts; low < high;)
            {
                int middle = (low + high) >> 1;
                (low, high) = found.Part(middle).AppendedBy < wanted ? (middle + 1, high) : (low, middle);
            }

            if (low == found.Parts)
            {
                return new Offset(found.NextOffset);
            }

            part = found.Part(low);
            if (part is MemoryPart)
            {
                return new Offset(Math.Max(found.FirstOffset, part.Place(part.FirstAppendedBy(wanted)).BaseOffset));
            }
        }

        long offset = part.Place(part.FirstAppendedBy(wanted)).BaseOffset;
        return Lane(lane) is { } now && now.FirstOffset.Value > offset ? now.FirstOffset : new Offset(offset);
    }

    private static int FirstAt(LanePart part, ImmutableSortedDictionary<long, EntryPlace>? repaired, long offset, long firstKept)
    {
        int least = (int)Math.Clamp(firstKept - part.FirstEntry, 0, part.Count - 1);
        int at = Math.Max(Math.Max(0, part.LastAtOrBefore(offset)), least);
        return repaired is null || part.Place(at).IsReadable ? at : FirstInHole(part, repaired, at, offset, least);
    }

    // Entries that had no places when the log was read all count as beginning where the hole began. Of those that were got back since, the
    // last one at or before the offset, or the beginning of the hole.
    private static int FirstInHole(LanePart part, ImmutableSortedDictionary<long, EntryPlace> repaired, int at, long offset, int least)
    {
        int first = at;
        while (first > least && !part.Place(first - 1).IsReadable)
        {
            first--;
        }

        for (int i = at; i > first; i--)
        {
            if (repaired.TryGetValue(part.FirstEntry + i, out EntryPlace place) && place.BaseOffset <= offset)
            {
                return i;
            }
        }

        return first;
    }

    // As many entries as fit, at least one; a damaged one only at the front, where it is an error.
    private static EntryPlace[] PlacesFrom(LanePart part, ImmutableSortedDictionary<long, EntryPlace>? repaired, int at, int maxBytes)
    {
        EntryPlace[] places = ArrayPool<EntryPlace>.Shared.Rent(Math.Min(EntryReader.MaxEntries, part.Count - at));
        int count = 0;
        long bytes = 0;
        bool full = false;
        while (!full && count < EntryReader.MaxEntries && at + count < part.Count)
        {
            int room = Math.Min(PlacesAtOnce, Math.Min(EntryReader.MaxEntries, part.Count - at) - count);
            int more = part.Places(at + count, places.AsSpan(count, room));
            for (int i = 0; i < more && !full; i++)
            {
                ref EntryPlace place = ref places[count];
                if (repaired is not null && repaired.TryGetValue(part.FirstEntry + at + count, out EntryPlace elsewhere))
                {
                    place = elsewhere;
                }

                bytes += place.Bytes;
                full = count > 0 && (bytes > maxBytes || !place.IsReadable);
                count += full ? 0 : 1;
            }
        }

        EntryPlace[] found = places.AsSpan(0, count).ToArray();
        ArrayPool<EntryPlace>.Shared.Return(places);
        return found;
    }
}
