namespace Streams.Storage;

/// <summary>A part of a lane in a segment that has no index file (yet): 32 bytes an entry, in chunks so that growing copies
/// little.</summary>
/// <remarks>Changed under the container's lock only. Once closed it changes no more and may be read without.</remarks>
internal sealed class MemoryPart : LanePart
{
    private const int ChunkEntries = 1024;

    // Nearly all lanes of a cluster with very many are short: they have no list of chunks.
    private EntryPlace[] _first = [];
    private List<EntryPlace[]>? _more;
    private int _start;

    public MemoryPart(long firstEntry, long firstOffset, long startBytes)
    {
        FirstEntry = firstEntry;
        FirstOffset = firstOffset;
        NextOffset = firstOffset;
        StartBytes = startBytes;
    }

    /// <inheritdoc/>
    public override long AppendedBy => Count == 0 ? 0 : Place(Count - 1).AppendedBy;

    public void Add(long nextOffset, in EntryPlace place)
    {
        int at = _start + Count;
        int chunk = at / ChunkEntries;
        int slot = at % ChunkEntries;
        if (chunk == 0 && slot == _first.Length)
        {
            Array.Resize(ref _first, Math.Clamp(slot * 2, 1, ChunkEntries));
        }
        else if (chunk > (_more?.Count ?? 0))
        {
            (_more ??= []).Add(new EntryPlace[ChunkEntries]);
        }

        Chunk(chunk)[slot] = place;
        Count++;
        NextOffset = nextOffset;
        Bytes += place.Bytes;
    }

    /// <summary>A part of what is left when so many entries at the front are gone; for a container without index files, which would keep
    /// them in memory for ever.</summary>
    public MemoryPart Without(int gone)
    {
        EntryPlace first = Place(gone);
        MemoryPart rest = new(FirstEntry + gone, first.BaseOffset, BytesBefore(gone))
        {
            _first = _first, _more = _more, _start = _start + gone, Count = Count - gone, NextOffset = NextOffset,
        };
        rest.Bytes = StartBytes + Bytes - rest.StartBytes;
        for (; rest._start >= ChunkEntries; rest._start -= ChunkEntries)
        {
            rest._first = rest._more![0];            // something is left, and it is not in the first chunk
            rest._more.RemoveAt(0);
        }

        return rest;
    }

    /// <inheritdoc/>
    public override EntryPlace Place(int index)
    {
        int at = _start + index;
        return Chunk(at / ChunkEntries)[at % ChunkEntries];
    }

    /// <inheritdoc/>
    public override int Places(int index, Span<EntryPlace> into)
    {
        int count = Math.Min(into.Length, Count - index);
        for (int i = 0; i < count; i++)
        {
            into[i] = Place(index + i);
        }

        return count;
    }

    /// <inheritdoc/>
    public override long BytesBefore(int index)
    {
        long bytes = StartBytes;
        for (int i = 0; i < index; i++)
        {
            bytes += Place(i).Bytes;
        }

        return bytes;
    }

    private EntryPlace[] Chunk(int number) => number == 0 ? _first : _more![number - 1];
}
