using Streams.Core;

namespace Streams.Geo;

/// <summary>Damage at this side and at the other: what is asked for, what is given, and what the sender has to leave out.</summary>
internal sealed partial class LinkReceiver
{
    /// <summary>Told, with the lock of the session held, of what the sender does not have of what is damaged here.</summary>
    public Action<ClusterName, DamagedRange>? Lacked { get; set; }

    /// <summary>Entries that the sender left out because they are lost, and that were not here either.</summary>
    public long EntriesLost { get; private set; }

    private void OnDamageAnswered(FetchEndFrame end)
    {
        if (_damage.OnEnd(end) is { } ingest)
        {
            _out.Enqueue(new Report(LinkEvent.Recovering, $"{_peer.Cluster} gives {ingest.Entries.Count} entries of {ingest.Lane} "
                + $"from {ingest.Entries[0].Number} on, which are damaged here"));
            _out.Enqueue(ingest);
        }
    }

    public void OnTakenOut(TakeOutEntries request, IngestResult result)
    {
        if (_phase == Phase.Closed)
        {
            return;
        }

        GiveBack(LinkLimits.CostOfLost);
        _operations--;
        LaneWork work = _work[request.Number];
        work.Busy = false;
        if (result.Outcome == IngestOutcome.Fork)
        {
            Refuse(request.Number, work,
                $"entries {request.First} up to {request.Next} are said to be lost, which does not fit the lane here");
        }
        else if (result.Outcome == IngestOutcome.Ahead)
        {
            AskAgain(request.Number, request.First, work, result.Next);
        }
        else
        {
            EntriesLost += request.Next - request.First;
            _out.Enqueue(new Report(LinkEvent.Damaged,
                $"{request.Lane} goes on at entry {request.Next}: {_peer.Cluster} lost those from {request.First} on"));
        }

        AckLater(request.Number);
        Queue(request.Number, work);
    }

    public void OnRead(ReadLane request, IReadOnlyList<LaneEntry> entries, List<LinkFrame> frames) =>
        _serving.OnRead(request, entries, frames);

    public void OnDamaged(ReadLane request, string reason, LostRun? lost, List<LinkFrame> frames) =>
        _serving.OnDamaged(request, lost, frames);
}
