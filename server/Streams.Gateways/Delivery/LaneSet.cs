using Streams.Core;

namespace Streams.Gateways;

/// <summary>The lanes of one partition as one reader goes through them: whose turn it is, and what has to be read from disk.</summary>
internal sealed class LaneSet
{
    private readonly Dictionary<Origin, LaneRead> _byOrigin = [];
    private readonly List<LaneRead> _lanes = [];
    private readonly int _maxBytes;
    private Cursor _start;
    private int _turn;

    public LaneSet(Cursor start, int maxBytes)
    {
        _start = start;
        _maxBytes = maxBytes;
        AddStart();
    }

    /// <summary>How many lanes are known.</summary>
    public int Count => _lanes.Count;

    /// <summary>Bytes in the read-ahead of all lanes.</summary>
    public int Bytes { get; private set; }

    /// <summary>The lane whose turn is <paramref name="nth"/> places behind the present one.</summary>
    public LaneRead InTurn(int nth) => _lanes[(_turn + nth) % _lanes.Count];

    /// <summary>Where the session is in a lane; a lane never seen is at 0.</summary>
    public Offset Position(Origin origin) => _byOrigin.TryGetValue(origin, out LaneRead? lane) ? lane.Position : _start[origin];

    /// <summary>The lane, or <see langword="null"/>.</summary>
    public LaneRead? Find(Origin origin) => _byOrigin.GetValueOrDefault(origin);

    /// <summary>Takes note of what is here of a lane.</summary>
    public void See(in LaneStatus status)
    {
        LaneRead lane = Get(status.Lane.Origin);
        lane.First = Offset.Max(lane.First, status.FirstOffset);
        lane.Next = Offset.Max(lane.Next, status.NextOffset);
    }

    /// <summary>The next lane of which something should be read, and from where; false when there is none or the read-ahead is
    /// full.</summary>
    public bool TryWant(out Origin origin, out Offset from)
    {
        if (Bytes < _maxBytes)
        {
            for (int i = 0; i < _lanes.Count; i++)
            {
                LaneRead lane = InTurn(i);
                if (lane.WantsData)
                {
                    (origin, from) = (lane.Origin, Offset.Max(lane.Fetched, lane.First));
                    return true;
                }
            }
        }

        (origin, from) = (default, default);
        return false;
    }

    /// <summary>Adds a batch to the read-ahead of its lane.</summary>
    public void Offer(Origin origin, LaneBatch batch)
    {
        if (Get(origin).Offer(batch))
        {
            Bytes += batch.Bytes;
        }
    }

    /// <summary>Nothing of [what was read up to, <paramref name="to"/>) is kept here any more.</summary>
    public void OfferGap(Origin origin, Offset to)
    {
        LaneRead lane = Get(origin);
        lane.First = Offset.Max(lane.First, to);
    }

    /// <summary>Takes the next batch of a lane out of the read-ahead, and gives the turn to the next lane when that was the last of
    /// it.</summary>
    public LaneBatch Take(LaneRead lane)
    {
        LaneBatch head = lane.Take();
        Bytes -= head.Bytes;
        if (lane.Head is null)
        {
            PassTurn(lane);
        }

        return head;
    }

    /// <summary>The lane behind <paramref name="lane"/> is next.</summary>
    public void PassTurn(LaneRead lane) => _turn = (_lanes.IndexOf(lane) + 1) % _lanes.Count;

    /// <summary>The next batch of a lane has to wait.</summary>
    public void Park(LaneRead lane)
    {
        Bytes -= lane.Bytes;
        lane.Park(lane.Head!);
    }

    /// <summary>Moves a lane to another position.</summary>
    public void Move(LaneRead lane, Offset position)
    {
        Bytes -= lane.Bytes;
        lane.MoveTo(position);
    }

    /// <summary>Lets all of the read-ahead go.</summary>
    public void Drop()
    {
        foreach (LaneRead lane in _lanes)
        {
            lane.Drop();
        }

        Bytes = 0;
    }

    /// <summary>Begins again at another cursor (rule R11).</summary>
    public void Restart(Cursor cursor)
    {
        Drop();
        _start = cursor;
        foreach (LaneRead lane in _lanes)
        {
            lane.MoveTo(cursor[lane.Origin]);
        }

        AddStart();
    }

    private LaneRead Get(Origin origin)
    {
        if (!_byOrigin.TryGetValue(origin, out LaneRead? lane))
        {
            lane = new LaneRead(origin, _start[origin]);
            _byOrigin.Add(origin, lane);
            _lanes.Add(lane);
        }

        return lane;
    }

    private void AddStart()
    {
        foreach ((Origin origin, _) in _start.Positions)
        {
            Get(origin);
        }
    }
}
