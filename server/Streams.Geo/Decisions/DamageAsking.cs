using Streams.Core;

namespace Streams.Geo;

/// <summary>Asks the other side of a link for entries that are damaged here (rule R13: what is asked for is given): slice by slice, one
/// question at a time. Of either side.</summary>
/// <remarks>What the neighbour does not have is asked of it again after a while: it may have got it from elsewhere. What comes is taken by
/// the store only if it fits what is left of the lane.</remarks>
/// <param name="store">What is held here.</param>
/// <param name="sliceBytes">Most bytes of an answer.</param>
/// <param name="again">After what time the same is asked again in a session.</param>
/// <param name="lacked">Told of what the neighbour does not have.</param>
internal sealed class DamageAsking(ILaneHeads store, int sliceBytes, TimeSpan again, Action<DamagedRange> lacked)
{
    /// <summary>Stands for a lane's number in what goes to the store.</summary>
    public const int Number = -2;

    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(5);

    private readonly Queue<DamagedRange> _todo = new();
    private readonly Dictionary<(LaneId Lane, EntryNumber From), TimeSpan> _asked = [];
    private readonly List<LaneEntry> _got = [];
    private DamagedRange? _asking;
    private EntryNumber _from;
    private long _gotBytes;
    private TimeSpan _nextLook;
    private TimeSpan _now;
    private bool _isStoring;

    /// <summary>Whether an answer is awaited.</summary>
    public bool IsAsking => _asking is not null && !_isStoring;

    /// <summary>Looks, now and then, for what is damaged.</summary>
    public void Tick(TimeSpan now)
    {
        _now = now;
        if (now < _nextLook || _todo.Count > 0 || _asking is not null)
        {
            return;
        }

        _nextLook = now + LookInterval;
        IReadOnlyList<DamagedRange> damaged = store.Damaged();
        if (damaged.Count == 0)
        {
            _asked.Clear();
            return;
        }

        foreach (DamagedRange range in damaged)
        {
            if (!_asked.TryGetValue((range.Lane, range.First), out TimeSpan at) || now - at >= again)
            {
                _todo.Enqueue(range);
            }
        }
    }

    /// <summary>The next question, if there is one to ask now.</summary>
    public FetchFrame? Next()
    {
        if (_asking is null)
        {
            if (!_todo.TryDequeue(out DamagedRange range))
            {
                return null;
            }

            _asking = range;
            _from = range.First;
        }
        else if (IsAsking || _isStoring)
        {
            return null;
        }

        _asked[(_asking.Value.Lane, _from)] = _now;
        return new FetchFrame(_asking.Value.Lane, _from, sliceBytes);
    }

    /// <summary>An entry of the answer; false when it was not asked for.</summary>
    public bool OnEntry(LaneEntry entry)
    {
        if (!IsAsking || _gotBytes > sliceBytes)
        {
            return false;
        }

        _gotBytes += LinkLimits.CostOf(entry);
        if (entry.Number >= _from && entry.Number < _asking!.Value.Next)
        {
            _got.Add(entry);
        }

        return true;
    }

    /// <summary>The answer is whole: what to give to the store, or <see langword="null"/> when the neighbour does not have what was asked
    /// for; then what it may have behind that is asked for.</summary>
    public IngestEntries? OnEnd(FetchEndFrame end)
    {
        _gotBytes = 0;
        DamagedRange range = _asking!.Value;
        if (_got.Count == 0)
        {
            EntryNumber to = end.First > _from && end.First < range.Next ? end.First : range.Next;
            lacked(range with { First = _from, Next = to });
            GoOn(to);
            return null;
        }

        _isStoring = true;
        IngestEntries ingest = new(Number, range.Lane, [.. _got]);
        _from = _got[^1].Number + 1;
        _got.Clear();
        return ingest;
    }

    /// <summary>The store has taken the entries, or not: the rest of the range is asked for. What it did not take, because it does not fit,
    /// counts as not given.</summary>
    public void OnStored(bool isTaken)
    {
        _isStoring = false;
        DamagedRange range = _asking!.Value;
        if (!isTaken)
        {
            lacked(range);
            _asking = null;
            return;
        }

        foreach (DamagedRange left in store.Damaged())
        {
            EntryNumber first = left.First > range.First ? left.First : range.First;
            EntryNumber next = left.Next < _from ? left.Next : _from;
            if (left.Lane == range.Lane && first < next)
            {
                lacked(range with { First = first, Next = next });
            }
        }

        GoOn(_from);
    }

    private void GoOn(EntryNumber from)
    {
        if (from < _asking!.Value.Next)
        {
            _todo.Enqueue(_asking.Value with { First = from });
        }

        _asking = null;
    }
}
