using Streams.Core;
using Streams.Geo;

namespace Streams.Simulation;

/// <summary>Watches what is sent from one side of a link, independent of what its machine counts: an entry that names the receiver on its
/// path must have been asked for (invariant 5, rule R13).</summary>
internal sealed class PathWatch(WireCount wire)
{
    private readonly Dictionary<int, long> _asked = [];
    private readonly List<long> _listed = [];

    public void Forget()
    {
        _asked.Clear();
        _listed.Clear();
    }

    /// <summary>The receiver may have asked for what lies before an entry.</summary>
    public void Came(LinkFrame frame)
    {
        if (frame is AskFrame ask)
        {
            _asked[ask.Number] = Math.Max(_asked.GetValueOrDefault(ask.Number), ask.UpTo.Value);
        }
    }

    public void Sent(LinkFrame frame, Origin receiver)
    {
        if (frame is LanesFrame lanes)
        {
            foreach (LaneHead head in lanes.Lanes)
            {
                _listed.Add(head.Next.Value);
            }
        }
        else if (frame is EntryFrame entry && entry.Entry.Path.Contains(receiver))
        {
            long asked = Math.Max(_asked.GetValueOrDefault(entry.Number), entry.Number < _listed.Count ? _listed[entry.Number] : 0);
            wire.AskedOnPath += entry.Entry.Number.Value < asked ? 1 : 0;
            wire.OfferedOnPath += entry.Entry.Number.Value < asked ? 0 : 1;
        }
    }
}
