using Streams.Core;

namespace Streams.Geo;

/// <summary>Asks the other side of a link for entries that are damaged here (rule R13: what is asked for is given): slice by slice, one
/// question at a time. Of either side.</summary>
/// <remarks>A range of which the neighbour gave nothing is not asked of it again in this session. What comes is taken by the store only
/// if it fits what is left of the lane.</remarks>
internal sealed class DamageAsking(ILaneHeads store, int sliceBytes)
{
    /// <summary>Stands for a lane's number in what goes to the store.</summary>
    public const int Number = -2;

    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(5);

    private readonly Queue<DamagedRange> _todo = new();
    private readonly HashSet<(LaneId Lane, EntryNumber From)> _asked = [];
    private readonly List<LaneEntry> _got = [];
    private DamagedRange? _asking;
    private EntryNumber _from;
    private long _gotBytes;
    private TimeSpan _nextLook;
    private bool _isStoring;

    /// <summary>Whether an answer is awaited.</summary>
    public bool IsAsking => _asking is not null && !_isStoring;

    /// <summary>Looks, now and then, for what is damaged.</summary>
    public void Tick(TimeSpan now)
    {
        if (now >= _nextLook && _todo.Count == 0 && _asking is null)
        {
            _nextLook = now + LookInterval;
            foreach (DamagedRange range in store.Damaged())
            {
                if (!_asked.Contains((range.Lane, range.First)))
                {
                    _todo.Enqueue(range);
                }
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

        _asked.Add((_asking.Value.Lane, _from));
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

    /// <summary>The answer is whole: what to give to the store, or <see langword="null"/> when the neighbour has nothing of it.</summary>
    public IngestEntries? OnEnd()
    {
        _gotBytes = 0;
        if (_got.Count == 0)
        {
            _asking = null;
            return null;
        }

        _isStoring = true;
        IngestEntries ingest = new(Number, _asking!.Value.Lane, [.. _got]);
        _from = _got[^1].Number + 1;
        _got.Clear();
        return ingest;
    }

    /// <summary>The store has taken the entries, or not: the rest of the range is asked for.</summary>
    public void OnStored(bool isTaken)
    {
        _isStoring = false;
        if (!isTaken || _from >= _asking!.Value.Next)
        {
            _asking = null;
        }
        else
        {
            _todo.Enqueue(_asking.Value with { First = _from });
            _asking = null;
        }
    }
}
