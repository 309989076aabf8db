using Streams.Core;

namespace Streams.Geo;

/// <summary>Own entries that the receiver holds and this cluster lost: pulled back slice by slice (rule R14).</summary>
internal sealed partial class LinkSender
{
    private readonly Queue<LaneHead> _lost = new();
    private readonly List<LaneEntry> _fetched = [];
    private long _fetchedBytes;
    private bool _fetching;

    /// <summary>Own entries got back.</summary>
    public long EntriesFetched { get; private set; }

    /// <summary>What the receiver holds of a lane of this name: a reason to open a new incarnation, or entries to get back. In that
    /// order: once
    /// the new one is open, nothing is written to the old lane, and what comes back is appended behind what is here.</summary>
    private void Note(in LaneHead held)
    {
        _openReason ??= OwnName.ReasonToOpen(_store, Self, _peer, held);
        if (held.Lane.Origin.Incarnation > _laterSelf)
        {
            _laterSelf = held.Lane.Origin.Incarnation;
        }

        if (held.Next > OwnName.Next(_store, held.Lane) && !_settings.Probe)
        {
            _lost.Enqueue(held);
        }
    }

    private LinkAction? NextFetch()
    {
        if (_damage.IsAsking)
        {
            return null;                             // one question at a time
        }

        while (!_fetching && _lost.TryPeek(out LaneHead lost))
        {
            EntryNumber from = OwnName.Next(_store, lost.Lane);
            if (from < lost.Next)
            {
                _fetching = true;
                return new SendFrame(new FetchFrame(lost.Lane, from, _settings.SliceBytes));
            }

            _lost.Dequeue();
        }

        return _fetching || _damage.Next() is not { } question ? null : new SendFrame(question);
    }

    private void OnFetchEntry(FetchEntryFrame frame)
    {
        if (!_fetching || _fetchedBytes > _settings.SliceBytes)
        {
            Close("protocol: sends entries that were not asked back", fault: true);
            return;
        }

        _fetched.Add(frame.Entry);
        _fetchedBytes += LinkLimits.CostOf(frame.Entry);
    }

    private void OnFetchEnd(FetchEndFrame end)
    {
        if (!_fetching)
        {
            if (_damage.OnEnd(end) is { } ingest)
            {
                _out.Enqueue(new Report(LinkEvent.Recovering, $"{_peer.Cluster} gives {ingest.Entries.Count} entries of {ingest.Lane} "
                    + $"from {ingest.Entries[0].Number} on, which are damaged here"));
                _out.Enqueue(ingest);
            }

            return;
        }

        if (!_fetching || !_lost.TryPeek(out LaneHead lost))
        {
            Close("protocol: ends an answer to no question", fault: true);
            return;
        }

        EntryNumber mine = OwnName.Next(_store, lost.Lane);
        if (_fetched.Count > 0)
        {
            EntriesFetched += _fetched.Count;
            _out.Enqueue(new Report(LinkEvent.Recovering,
                $"{_peer.Cluster} gives back {_fetched.Count} entries of {lost.Lane} from {_fetched[0].Number} on"));
            _out.Enqueue(new IngestEntries(-1, lost.Lane, [.. _fetched]));
            _fetched.Clear();
            _fetchedBytes = 0;
        }
        else if (end.First > mine && end.Why == FetchGap.Lost)
        {
            _out.Enqueue(new TakeOutEntries(-1, lost.Lane, mine, end.First, end.FirstOffset));
        }
        else if (end.First > mine && end.Why == FetchGap.NotKept)
        {
            _out.Enqueue(new SkipLane(-1, lost.Lane, end.First, end.FirstOffset));
        }
        else
        {
            EndFetch(lost.Lane, null);
        }
    }

    public void OnIngested(IngestEntries request, IngestResult result)
    {
        if (request.Number == DamageAsking.Number)
        {
            _damage.OnStored(result.Outcome == IngestOutcome.Taken);
            return;
        }

        if (result.Outcome == IngestOutcome.Fork)
        {
            EndFetch(request.Lane, "what the neighbour holds differs from what is here");
        }
        else if (_lost.TryPeek(out LaneHead lost) && OwnName.Next(_store, lost.Lane) <= request.Entries[0].Number)
        {
            EndFetch(request.Lane, "the store took nothing of it");
        }

        _fetching = false;
    }

    public void OnSkipped(SkipLane request)
    {
        if (OwnName.Next(_store, request.Lane) < request.First)
        {
            EndFetch(request.Lane, "the store did not step over the gap");
        }

        _fetching = false;
    }

    public void OnTakenOut(TakeOutEntries request, IngestResult result)
    {
        if (result.Outcome != IngestOutcome.Taken || OwnName.Next(_store, request.Lane) < request.Next)
        {
            EndFetch(request.Lane, $"entries {request.First} up to {request.Next}, which the neighbour lost too, do not fit what is here");
        }

        _fetching = false;
    }

    private void EndFetch(LaneId lane, string? reason)
    {
        _fetching = false;
        _lost.TryDequeue(out _);
        if (reason is not null)
        {
            _out.Enqueue(new Report(LinkEvent.LaneRefused, $"{lane} is not got back from {_peer.Cluster}: {reason}"));
        }
    }
}
