namespace Streams.Storage;

/// <summary>The index of a run of a lane's entries that stand in one segment. Entries of a lane are found through its parts, in
/// order.</summary>
internal abstract class LanePart
{
    /// <summary>Its first entry.</summary>
    public long FirstEntry { get; protected init; }

    /// <summary>How many entries.</summary>
    public int Count { get; protected set; }

    /// <summary>Offset of its first event.</summary>
    public long FirstOffset { get; protected init; }

    /// <summary>Offset behind its last event.</summary>
    public long NextOffset { get; protected set; }

    /// <summary>Bytes of the lane in this container before it, since the beginning.</summary>
    public long StartBytes { get; protected init; }

    /// <summary>Bytes of the log in it.</summary>
    public long Bytes { get; protected set; }

    /// <summary>The latest time at which an entry of it, or of the lane before it, was appended.</summary>
    public abstract long AppendedBy { get; }

    public long NextEntry => FirstEntry + Count;

    /// <summary>The place of an entry, by its index in the part.</summary>
    public abstract EntryPlace Place(int index);

    /// <summary>Places from an index on, as many as there is room for; gives how many.</summary>
    public abstract int Places(int index, Span<EntryPlace> into);

    /// <summary>Bytes of the lane in this container before an entry, since the beginning.</summary>
    public abstract long BytesBefore(int index);

    /// <summary>Index of the last entry whose base offset is at or before <paramref name="offset"/>; -1 when there is none. Of several
    /// entries with one base offset (all but the last have no events) it is the last.</summary>
    public virtual int LastAtOrBefore(long offset)
    {
        int low = 0;
        int high = Count;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (Place(middle).BaseOffset <= offset)
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

    /// <summary>Index of the first entry by which the lane had come to a time of appending; <see cref="Count"/> when there is
    /// none.</summary>
    public virtual int FirstAppendedBy(long time)
    {
        int low = 0;
        int high = Count;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (Place(middle).AppendedBy < time)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
