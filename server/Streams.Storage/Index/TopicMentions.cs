namespace Streams.Storage;

/// <summary>Which entries of which lanes mention which topics, in one segment that is being written: an open table of (lane, topic), each
/// with a chain of entries, latest first. About 30 bytes a topic and 12 a mention.</summary>
/// <remarks>Changed by one thread under the container's lock, read under it; once its segment has ended it changes no more.</remarks>
internal sealed class TopicMentions
{
    private ulong[] _topics = new ulong[4];
    private int[] _lanes = new int[4];
    private int[] _heads = new int[4];               // mention + 1; 0 for an empty slot
    private readonly List<long> _entries = [];
    private readonly List<int> _earlier = [];         // mention + 1; 0 at the end

    /// <summary>How many pairs of lane and topic.</summary>
    public int Count { get; private set; }

    /// <summary>How many mentions.</summary>
    public int Mentions => _entries.Count;

    /// <summary>An entry of a lane mentions a topic. Entries of a lane come in order.</summary>
    public void Add(int lane, ulong topic, long entry)
    {
        int slot = Slot(lane, topic);
        int head = _heads[slot];
        if (head != 0 && _entries[head - 1] == entry)
        {
            return;
        }

        _entries.Add(entry);
        _earlier.Add(head);
        _heads[slot] = _entries.Count;
        if (head == 0)
        {
            (_lanes[slot], _topics[slot]) = (lane, topic);
            if (++Count * 4 > _heads.Length * 3)
            {
                Grow();
            }
        }
    }

    /// <summary>Adds the entries, at or behind <paramref name="from"/>, that mention a topic, in order; false when they are more than
    /// <paramref name="max"/>, or the walk back to them is long: then nothing is added.</summary>
    public bool TryFind(int lane, ulong topic, long from, int max, List<long> into)
    {
        int begin = into.Count;
        for (int at = _heads[Slot(lane, topic)]; at != 0 && _entries[at - 1] >= from; at = _earlier[at - 1])
        {
            if (into.Count - begin == max)
            {
                into.RemoveRange(begin, max);
                return false;
            }

            into.Add(_entries[at - 1]);
        }

        into.Reverse(begin, into.Count - begin);
        return true;
    }

    /// <summary>The last entry that mentions a topic; -1 when none does.</summary>
    public long Last(int lane, ulong topic) => _heads[Slot(lane, topic)] is var head and > 0 ? _entries[head - 1] : -1;

    /// <summary>All pairs, in no order, each with its latest mention.</summary>
    public IEnumerable<(int Lane, ulong Topic, int Mention)> All()
    {
        for (int i = 0; i < _heads.Length; i++)
        {
            if (_heads[i] != 0)
            {
                yield return (_lanes[i], _topics[i], _heads[i]);
            }
        }
    }

    /// <summary>Walks a chain backwards; <paramref name="mention"/> becomes 0 at its end.</summary>
    public long Walk(ref int mention)
    {
        long entry = _entries[mention - 1];
        mention = _earlier[mention - 1];
        return entry;
    }

    private int Slot(int lane, ulong topic)
    {
        int mask = _heads.Length - 1;
        int slot = (int)((topic ^ ((ulong)lane * 0x9E37_79B9_7F4A_7C15)) >> 17) & mask;
        while (_heads[slot] != 0 && (_topics[slot] != topic || _lanes[slot] != lane))
        {
            slot = (slot + 1) & mask;
        }

        return slot;
    }

    private void Grow()
    {
        (ulong[] topics, int[] lanes, int[] heads) = (_topics, _lanes, _heads);
        (_topics, _lanes, _heads) = (new ulong[heads.Length * 2], new int[heads.Length * 2], new int[heads.Length * 2]);
        for (int i = 0; i < heads.Length; i++)
        {
            if (heads[i] != 0)
            {
                int slot = Slot(lanes[i], topics[i]);
                (_topics[slot], _lanes[slot], _heads[slot]) = (topics[i], lanes[i], heads[i]);
            }
        }
    }
}
