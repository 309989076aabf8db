using Streams.Core;

namespace Streams.Gateways;

/// <summary>The lanes that an SDK session may be waiting for, as far as the cluster knows from what it sent (rules R15, R19c).</summary>
internal sealed class AwaitedLanes(IPartitionView view)
{
    private readonly Dictionary<Origin, Offset> _awaited = [];
    private readonly Dictionary<Origin, Offset> _told = [];

    /// <summary>Whether something is awaited that was neither sent nor told to be over.</summary>
    public bool Any => _awaited.Count > 0;

    /// <summary>Events with this dependency were sent.</summary>
    public void Sent(AfterVector after, LaneSet lanes)
    {
        foreach (EventPlace place in after.Places)
        {
            if (lanes.Position(place.Origin) <= place.Offset && !_told.ContainsKey(place.Origin))
            {
                _awaited[place.Origin] = Offset.Max(_awaited.GetValueOrDefault(place.Origin), place.Offset);
            }
        }
    }

    /// <summary>A lane of which nothing more can come, and all that is here was sent; or one that no route brings here. Each is told
    /// once.</summary>
    public bool TryRelease(LaneSet lanes, out Origin origin, out Offset at)
    {
        foreach ((Origin awaited, Offset upTo) in _awaited)
        {
            at = lanes.Position(awaited);
            if (at > upTo)
            {
                _awaited.Remove(awaited);
                continue;
            }

            // A cluster that was taken for reaching this one while little was known, and does not, is over as well.
            if (!view.Reaches(awaited.Cluster) || (view.IsExhausted(awaited) && at >= view.NextOffset(awaited)))
            {
                _awaited.Remove(awaited);
                _told[awaited] = upTo;
                origin = awaited;
                return true;
            }
        }

        (origin, at) = (default, default);
        return false;
    }

    /// <summary>The release of a lane is to be told (again): the lane is sent again (rule R19f).</summary>
    public void TellAgain(Origin origin)
    {
        if (_told.Remove(origin, out Offset upTo))
        {
            _awaited[origin] = upTo;
        }
    }

    /// <summary>Begins again.</summary>
    public void Clear()
    {
        _awaited.Clear();
        _told.Clear();
    }
}
