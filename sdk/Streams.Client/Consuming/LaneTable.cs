using System.Collections.Immutable;
using Streams.Core;

namespace Streams.Client;

/// <summary>The lanes of a partition and the cursor over them (R19d): per lane the first offset held back or not acknowledged, else the
/// received position; a gap goes with the cursor once that is beyond it.</summary>
internal sealed class LaneTable(Cursor local)
{
    private readonly Dictionary<Origin, LaneState> _lanes = [];
    private readonly List<LaneState> _touched = [];

    /// <summary>The cursor as computed last.</summary>
    public Cursor Local { get; private set; } = local;

    /// <summary>A lane, if something is known of it.</summary>
    public LaneState? Find(Origin origin) => _lanes.GetValueOrDefault(origin);

    /// <summary>A lane; a new one begins at the cursor.</summary>
    public LaneState Of(Origin origin)
    {
        if (!_lanes.TryGetValue(origin, out LaneState? lane))
        {
            lane = new LaneState(origin) { Received = Local[origin].Value };
            _lanes.Add(origin, lane);
        }

        return lane;
    }

    /// <summary>The lane's position may have changed.</summary>
    public void Touch(LaneState lane)
    {
        if (!lane.IsDirty)
        {
            lane.IsDirty = true;
            _touched.Add(lane);
        }
    }

    /// <summary>The cursor now. It never goes back.</summary>
    public Cursor Confirmed()
    {
        if (_touched.Count == 0)
        {
            return Local;
        }

        ImmutableSortedDictionary<Origin, Offset>.Builder positions = Local.Positions.ToBuilder();
        ImmutableSortedSet<CursorJump>.Builder jumps = Local.Jumps.ToBuilder();
        bool changed = false;
        foreach (LaneState lane in _touched)
        {
            lane.IsDirty = false;
            long position = lane.Position;
            if (position > positions.GetValueOrDefault(lane.Origin).Value)
            {
                positions[lane.Origin] = new Offset(position);
                changed = true;
            }

            for (int i = lane.Jumps.Count - 1; i >= 0; i--)
            {
                if (lane.Jumps[i].To.Value <= position)
                {
                    changed |= jumps.Add(lane.Jumps[i]);
                    lane.Jumps.RemoveAt(i);
                }
            }
        }

        _touched.Clear();
        Local = changed ? new Cursor(Local.Generation, positions.ToImmutable(), CursorJumps.Bound(jumps)) : Local;
        return Local;
    }

    /// <summary>Takes a cluster's cursor of the same generation in.</summary>
    public void Join(Cursor cluster)
    {
        Confirmed();
        Local = Cursor.Join(Local, cluster);
    }

    /// <summary>A higher generation wins whole (R11).</summary>
    public void Replace(Cursor cursor)
    {
        foreach (LaneState lane in _touched)
        {
            lane.IsDirty = false;
        }

        _touched.Clear();
        Local = cursor;
    }

    /// <summary>All lanes begin again at the cursor.</summary>
    public void Reset()
    {
        Confirmed();
        foreach (LaneState lane in _lanes.Values)
        {
            lane.Reset(Local[lane.Origin].Value);
        }

        foreach (Origin origin in Local.Positions.Keys)
        {
            Of(origin);                                  // what the cursor has passed counts as received, though nothing comes of it
        }
    }
}
