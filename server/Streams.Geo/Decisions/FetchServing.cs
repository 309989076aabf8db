using Streams.Core;

namespace Streams.Geo;

/// <summary>Gives entries back to the other side of a link that lost them, or has them damaged: one question at a time. Of either
/// side.</summary>
internal sealed class FetchServing(ILaneHeads store, int sliceBytes)
{
    private FetchFrame? _fetch;
    private bool _isReading;

    /// <summary>Takes a question; false when one is not answered yet, which is a fault of the other side.</summary>
    public bool TryTake(FetchFrame fetch)
    {
        if (_fetch is not null)
        {
            return false;
        }

        _fetch = fetch;
        return true;
    }

    /// <summary>The reading that answers, if there is one to begin; its number is -1.</summary>
    public ReadLane? Next()
    {
        if (_fetch is null || _isReading)
        {
            return null;
        }

        _isReading = true;
        return new ReadLane(-1, _fetch.Lane, _fetch.From, Math.Min(_fetch.MaxBytes, sliceBytes));
    }

    /// <summary>The answer when what was asked for is damaged here too: it says where something follows.</summary>
    public void OnDamaged(ReadLane request, LostRun? lost, List<LinkFrame> frames)
    {
        EntryNumber next = request.From + 1;
        foreach (DamagedRange range in store.Damaged())
        {
            next = range.Lane == request.Lane && range.First <= request.From && request.From < range.Next ? range.Next : next;
        }

        frames.Add(lost is { } run ? new FetchEndFrame(run.Next, run.NextOffset, FetchGap.Lost)
            : new FetchEndFrame(next, default, FetchGap.Damaged));
        _isReading = false;
        _fetch = null;
    }

    /// <summary>Makes the answer of what was read.</summary>
    public void OnRead(ReadLane request, IReadOnlyList<LaneEntry> entries, List<LinkFrame> frames)
    {
        int cost = 0;
        for (int i = 0; i < entries.Count && cost < request.MaxBytes; i++)
        {
            cost += LinkLimits.CostOf(entries[i]);
            frames.Add(new FetchEntryFrame(entries[i]));
        }

        LaneStatus? status = store.Lane(request.Lane);
        bool gap = entries.Count == 0 && status is { } s && s.FirstEntry > request.From;
        frames.Add(new FetchEndFrame(gap ? status!.Value.FirstEntry : default, gap ? status!.Value.FirstOffset : default));
        _isReading = false;
        _fetch = null;
    }
}
