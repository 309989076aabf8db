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

/// <summary>The places of a lane's entries, in memory: 24 bytes each, in chunks so that growing copies little. The first
/// chunk grows by half, for most lanes of a wide world are short.</summary>
internal sealed class LaneIndex
{
    private const int ChunkEntries = 1024;
    private const int FirstChunkEntries = 4;

    private EntryPlace[][] _chunks = [];
    private int _start;

    public int Count { get; private set; }

    public EntryPlace this[int index]
    {
        get
        {
            int at = _start + index;
            return _chunks[at / ChunkEntries][at % ChunkEntries];
        }
    }

    public void Add(EntryPlace place)
    {
        int at = _start + Count;
        int chunk = at / ChunkEntries;
        int slot = at % ChunkEntries;
        if (chunk == _chunks.Length)
        {
            Array.Resize(ref _chunks, chunk + 1);
            _chunks[chunk] = new EntryPlace[chunk == 0 ? FirstChunkEntries : ChunkEntries];
        }
        else if (slot == _chunks[chunk].Length)
        {
            EntryPlace[] grown = _chunks[chunk];
            Array.Resize(ref grown, Math.Min(ChunkEntries, grown.Length + Math.Max(FirstChunkEntries, grown.Length / 2)));
            _chunks[chunk] = grown;
        }

        _chunks[chunk][slot] = place;
        Count++;
    }

    public void RemoveFront(int count)
    {
        Count -= count;
        _start += count;
        while (_start >= ChunkEntries)
        {
            _chunks = _chunks[1..];
            _start -= ChunkEntries;
        }

        if (Count == 0)
        {
            _chunks = [];
            _start = 0;
        }
    }

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
