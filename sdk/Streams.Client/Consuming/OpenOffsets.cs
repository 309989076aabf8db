namespace Streams.Client;

/// <summary>Offsets of one lane that hold its cursor back: held, or handed out and not acknowledged. Sorted; added nearly always at the
/// end, taken out in any order.</summary>
/// <remarks>Pure. Adding at the end and taking out are cheap (logarithmic, no allocation per offset); memory follows the number of open
/// offsets, not their distance.</remarks>
internal sealed class OpenOffsets
{
    private const int WorthCompacting = 64;

    private readonly List<(long Offset, bool Done)> _offsets = [];
    private int _head;
    private int _done;

    /// <summary>How many are open.</summary>
    public int Count => _offsets.Count - _head - _done;

    /// <summary>The lowest open offset, or <see cref="long.MaxValue"/>.</summary>
    public long Lowest => _head < _offsets.Count ? _offsets[_head].Offset : long.MaxValue;

    /// <summary>Opens an offset; one that is open already stays so.</summary>
    public void Add(long offset)
    {
        if (_head == _offsets.Count || _offsets[^1].Offset < offset)
        {
            _offsets.Add((offset, false));
            return;
        }

        int at = Find(offset);
        if (at < _offsets.Count && _offsets[at].Offset == offset)
        {
            _done -= _offsets[at].Done ? 1 : 0;
            _offsets[at] = (offset, false);
        }
        else
        {
            _offsets.Insert(at, (offset, false));
        }
    }

    /// <summary>Closes an offset; one that is not open is left alone.</summary>
    public void Close(long offset)
    {
        int at = Find(offset);
        if (at == _offsets.Count || _offsets[at] != (offset, false))
        {
            return;
        }

        _offsets[at] = (offset, true);
        _done++;
        while (_head < _offsets.Count && _offsets[_head].Done)
        {
            _head++;
            _done--;
        }

        if (_head == _offsets.Count)
        {
            Clear();
        }
        else if (_head + _done > WorthCompacting && _head + _done > _offsets.Count / 2)
        {
            _offsets.RemoveRange(0, _head);
            _offsets.RemoveAll(static o => o.Done);
            _head = _done = 0;
        }
    }

    /// <summary>Closes all.</summary>
    public void Clear()
    {
        _offsets.Clear();
        _head = _done = 0;
    }

    private int Find(long offset)
    {
        int low = _head;
        int high = _offsets.Count;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (_offsets[middle].Offset < offset)
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
