using System.Runtime.InteropServices;

namespace Streams.Storage;

/// <summary>Where a topic's mentions in the segment being written are found: kept with the topic, so that the next mention needs no look
/// for it.</summary>
/// <param name="Segment">Number of the <see cref="TopicMentions"/>; 0 for none.</param>
/// <param name="Slot">The slot there.</param>
internal readonly record struct MentionSlot(int Segment, int Slot);

/// <summary>Which entries of which lanes mention which topics, in one segment: for each pair of lane and topic a slot with a chain of
/// entries, latest first. 16 bytes a slot and 12 a mention.</summary>
/// <remarks>Changed by one thread under the container's lock, read under it. Once its segment has ended it changes no more, and is
/// looked into after <see cref="Sort"/>.</remarks>
internal sealed class TopicMentions
{
    private static int _segments;

    private readonly int _number = Interlocked.Increment(ref _segments);
    private readonly List<Slot> _slots = [];
    private readonly List<long> _entries = [];
    private readonly List<int> _earlier = [];         // mention + 1; 0 at the end
    private int[] _others = new int[2];               // slot + 1 of those that no topic keeps: an open table; 0 for none
    private int _otherCount;
    private int[]? _sorted;
    private bool _isOpen = true;

    /// <summary>How many pairs of lane and topic.</summary>
    public int Count => _slots.Count;

    /// <summary>An entry of a lane mentions a topic. Entries of a lane come in order.</summary>
    /// <param name="lane">The lane's number.</param>
    /// <param name="topic">The topic's hash.</param>
    /// <param name="entry">The entry.</param>
    /// <param name="known">What is kept with the topic.</param>
    public void Add(int lane, ulong topic, long entry, ref MentionSlot known)
    {
        if (known.Segment != _number)
        {
            known = new MentionSlot(_number, Make(lane, topic));
            Add(known.Slot, entry);
        }
        else if (_slots[known.Slot].Lane == lane)
        {
            Add(known.Slot, entry);
        }
        else
        {
            AddOther(lane, topic, entry);
        }
    }

    /// <summary>The same for a topic that is not known, or stands in several lanes.</summary>
    public void AddOther(int lane, ulong topic, long entry)
    {
        int at = OtherAt(lane, topic);
        int slot = _others[at] - 1;
        if (slot < 0)
        {
            slot = Make(lane, topic);
            _others[at] = slot + 1;
            if (++_otherCount * 4 > _others.Length * 3)
            {
                GrowOthers();
            }
        }

        Add(slot, entry);
    }

    /// <summary>Adds the entries, at or behind <paramref name="from"/>, that mention a topic, in order; false when they are more than
    /// <paramref name="max"/>, or cannot be looked for now: then nothing is added.</summary>
    public bool TryFind(int lane, ulong topic, MentionSlot known, long from, int max, List<long> into)
    {
        int slot = known.Segment == _number && _slots[known.Slot].Lane == lane ? known.Slot
            : _others[OtherAt(lane, topic)] is var other and > 0 ? other - 1
            : _sorted is not null ? Search(lane, topic)
            : _isOpen ? -1 : int.MinValue;
        if (slot < 0)
        {
            return slot != int.MinValue;
        }

        int begin = into.Count;
        for (int at = _slots[slot].Head; at != 0 && _entries[at - 1] >= from; at = _earlier[at - 1])
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

    /// <summary>The segment has ended. Topics are kept to another one's slots from now on, so looks wait for <see cref="Sort"/>.</summary>
    public void Close() => _isOpen = false;

    /// <summary>Lets looks go on. Not under the lock.</summary>
    public void Sort()
    {
        int[] order = new int[_slots.Count];
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }

        Array.Sort(order, (a, b) => Compare(_slots[a], _slots[b].Lane, _slots[b].Topic));
        Volatile.Write(ref _sorted, order);
    }

    /// <summary>All pairs, in no order, each with its latest mention.</summary>
    public IEnumerable<(int Lane, ulong Topic, int Mention)> All() => _slots.Select(static s => (s.Lane, s.Topic, s.Head));

    /// <summary>Walks a chain backwards; <paramref name="mention"/> becomes 0 at its end.</summary>
    public long Walk(ref int mention)
    {
        long entry = _entries[mention - 1];
        mention = _earlier[mention - 1];
        return entry;
    }

    private static int Compare(in Slot slot, int lane, ulong topic) =>
        slot.Lane != lane ? slot.Lane.CompareTo(lane) : slot.Topic.CompareTo(topic);

    private int OtherAt(int lane, ulong topic)
    {
        int mask = _others.Length - 1;
        int at = (int)((topic ^ ((ulong)(uint)lane * 0x9E37_79B9_7F4A_7C15)) >> 17) & mask;
        while (_others[at] != 0 && (_slots[_others[at] - 1].Topic != topic || _slots[_others[at] - 1].Lane != lane))
        {
            at = (at + 1) & mask;
        }

        return at;
    }

    private void GrowOthers()
    {
        int[] others = _others;
        _others = new int[others.Length * 2];
        foreach (int other in others)
        {
            if (other > 0)
            {
                _others[OtherAt(_slots[other - 1].Lane, _slots[other - 1].Topic)] = other;
            }
        }
    }

    private int Make(int lane, ulong topic)
    {
        _slots.Add(new Slot { Lane = lane, Topic = topic });
        return _slots.Count - 1;
    }

    private void Add(int slot, long entry)
    {
        ref Slot at = ref CollectionsMarshal.AsSpan(_slots)[slot];
        if (at.Head == 0 || _entries[at.Head - 1] != entry)
        {
            _entries.Add(entry);
            _earlier.Add(at.Head);
            at.Head = _entries.Count;
        }
    }

    private int Search(int lane, ulong topic)
    {
        int low = 0;
        int high = _sorted!.Length;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            int compared = Compare(_slots[_sorted[middle]], lane, topic);
            if (compared == 0)
            {
                return _sorted[middle];
            }

            (low, high) = compared < 0 ? (middle + 1, high) : (low, middle);
        }

        return -1;
    }

    private record struct Slot
    {
        public ulong Topic;
        public int Lane;

        /// <summary>Mention + 1; 0 for none.</summary>
        public int Head;
    }
}
