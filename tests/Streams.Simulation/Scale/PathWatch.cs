using Streams.Core;
using Streams.Geo;

namespace Streams.Simulation;

/// <summary>Watches what is sent from one side of a link, independent of what its machine counts: an entry that names the receiver on its
/// path must have been asked for (invariant 5, rule R13). There is one lane of each origin, so lanes are listed with their
/// origins' names, each once.</summary>
internal sealed class PathWatch(WireCount wire)
{
    private readonly Dictionary<int, int> _asked = [];
    private readonly List<int> _lanes = [];

    /// <summary>The session is over. What was listed in it may count in the next one.</summary>
    public void Forget() => _asked.Clear();

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

    /// <summary>A list goes on behind the lanes that the receiver knows.</summary>
    private void GoBack(int known)
    {
        if (known < _lanes.Count)
        {
            _lanes.RemoveRange(known, _lanes.Count - known);
        }
    }

    public void Sent(LinkFrame frame, Origin receiver, WorldLedger ledger)
    {
        if (frame is LanesFrame lanes)
        {
            GoBack(lanes.First);
            foreach (Origin origin in lanes.Origins)
            {
                _lanes.Add(ledger.Number(new LaneId(ScaleWorld.Partition, origin)));
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
