using Streams.Core;
using Streams.Geo;

namespace Streams.Simulation;

/// <summary>Watches what is sent from one side of a link, independent of what its machine counts: an entry that names the receiver on its
/// path must have been asked for (invariant 5, rule R13).</summary>
internal sealed class PathWatch(WireCount wire)
{
    private readonly Dictionary<int, int> _asked = [];
    private readonly List<int> _lanes = [];
    private readonly List<StreamPath> _streams = [];
    private readonly List<Origin> _origins = [];

    public void Forget()
    {
        _asked.Clear();
        _lanes.Clear();
        _streams.Clear();
        _origins.Clear();
    }

    /// <summary>The receiver asks for what is held of a lane now, or for what lies before an entry that came ahead.</summary>
    public void Came(LinkFrame frame, ScaleCluster at)
    {
        if (frame is AskFrame ask)
        {
            _asked[ask.Number] = Math.Max(_asked.GetValueOrDefault(ask.Number), (int)ask.UpTo.Value);
        }
        else if (frame is FeedFrame feed)
        {
            foreach (LaneFeed lane in feed.Lanes)
            {
                if (lane.On)
                {
                    _asked[lane.Number] = Math.Max(_asked.GetValueOrDefault(lane.Number), at.Head(_lanes[lane.Number]));
                }
            }
        }
    }

    public void Sent(LinkFrame frame, Origin receiver, WorldLedger ledger)
    {
        if (frame is LanesFrame lanes)
        {
            _streams.AddRange(lanes.Streams);
            _origins.AddRange(lanes.Origins);
            foreach (ListedLane lane in lanes.Lanes)
            {
                _lanes.Add(ledger.Number(new LaneId(new StreamPartition(_streams[lane.Stream], lane.Partition), _origins[lane.Origin])));
            }
        }
        else if (frame is EntryFrame entry && entry.Entry.Path.Contains(receiver))
        {
            bool asked = entry.Entry.Number.Value < _asked.GetValueOrDefault(entry.Number);
            wire.AskedOnPath += asked ? 1 : 0;
            wire.OfferedOnPath += asked ? 0 : 1;
        }
    }
}
