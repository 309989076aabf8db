namespace Streams.Storage;

/// <summary>Where an entry stands in the log.</summary>
/// <param name="Position">Of its record; negative when the record is damaged or lost.</param>
/// <param name="BodyLength">Of its record.</param>
/// <param name="Checksum">CRC-32C of the entry's body, by which a fork of the lane is seen.</param>
/// <param name="BaseOffset">Of its first event.</param>
internal readonly record struct EntryPlace(long Position, int BodyLength, uint Checksum, long BaseOffset)
{
    public bool IsReadable => Position >= 0;
}

/// <summary>The places of a lane's entries, in memory: 24 bytes each, in chunks so that growing copies little.</summary>
internal sealed class LaneIndex
{
    private const int ChunkEntries = 1024;
    private const int FirstChunkEntries = 1;

    // Nearly all lanes of a cluster with very many are short: they have no list of chunks.
    private EntryPlace[] _first = [];
    private List<EntryPlace[]>? _more;
    private int _start;

    public int Count { get; private set; }

    public EntryPlace this[int index]
    {
        get
        {
            int at = _start + index;
            return Chunk(at / ChunkEntries)[at % ChunkEntries];
        }
    }

    public void Add(EntryPlace place)
    {
        int at = _start + Count;
        int chunk = at / ChunkEntries;
        int slot = at % ChunkEntries;
        if (chunk == 0 && slot == _first.Length)
        {
            Array.Resize(ref _first, Math.Clamp(slot * 2, FirstChunkEntries, ChunkEntries));
        }
        else if (chunk > (_more?.Count ?? 0))
        {
            (_more ??= []).Add(new EntryPlace[ChunkEntries]);
        }

        Chunk(chunk)[slot] = place;
        Count++;
    }

    public void RemoveFront(int count)
    {
        Count -= count;
        _start += count;
        if (Count == 0)
        {
            (_first, _more, _start) = ([], null, 0);
            return;
        }

        for (; _start >= ChunkEntries; _start -= ChunkEntries)
        {
            _first = _more![0]; // something is left, and it is not in the first chunk
            _more.RemoveAt(0);
        }
    }

    private EntryPlace[] Chunk(int number) => number == 0 ? _first : _more![number - 1];

    /// <summary>The last entry whose base offset is at or before <paramref name="offset"/>; -1 when there is none. Of several entries
    /// with one base offset (all but the last have no events) it is the last.</summary>
    public int LastAtOrBefore(long offset)
    {
        int low = 0;
        int high = Count;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (this[middle].BaseOffset <= offset)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low - 1;
    }
}
