using Streams.Core;

namespace Streams.Geo;

/// <summary>The numbers that stand for stream paths and origins in the lists of a link's sender: in a list of lanes both come again and
/// again. Numbered in the order of first use, so both sides count alike.</summary>
internal sealed class ListBook
{
    private readonly Dictionary<StreamPath, int> _streams = [];
    private readonly Dictionary<Origin, int> _origins = [];

    public void Clear()
    {
        _streams.Clear();
        _origins.Clear();
    }

    /// <summary>A lane as it is listed; names not used before are added to the lists that go out with it.</summary>
    public ListedLane List(LaneId lane, EntryNumber next, Offset nextOffset, List<StreamPath> streams, List<Origin> origins)
    {
        if (!_streams.TryGetValue(lane.Partition.Stream, out int stream))
        {
            _streams.Add(lane.Partition.Stream, stream = _streams.Count);
            streams.Add(lane.Partition.Stream);
        }

        if (!_origins.TryGetValue(lane.Origin, out int origin))
        {
            _origins.Add(lane.Origin, origin = _origins.Count);
            origins.Add(lane.Origin);
        }

        return new ListedLane(stream, lane.Partition.Partition, origin, next, nextOffset);
    }

    /// <summary>Takes a lane as listed before; for taking up a list where the other side is.</summary>
    public void Note(LaneId lane)
    {
        _streams.TryAdd(lane.Partition.Stream, _streams.Count);
        _origins.TryAdd(lane.Origin, _origins.Count);
    }
}
