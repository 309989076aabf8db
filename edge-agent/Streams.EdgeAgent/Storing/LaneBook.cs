using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>The lanes and the settings of streams as they are committed, in memory: asked for with every message. Safe for use by many
/// threads; the writer alone changes it.</summary>
/// <remarks>Some 200 bytes a lane; streams are bounded by the gateway, partitions by their settings.</remarks>
internal sealed class LaneBook
{
    private readonly Lock _lock = new();
    private readonly Dictionary<LaneId, LaneRow> _lanes = [];
    private readonly Dictionary<long, LaneId> _byRow = [];
    private readonly Dictionary<StreamPartition, LaneRow[]> _byPartition = [];
    private readonly Dictionary<StreamPath, int> _highest = [];      // partition of which there is a lane, or -1
    private readonly Dictionary<StreamPath, StreamSettings> _settings = [];
    private readonly HashSet<ClusterName> _clusters = [];
    private StreamPath[]? _sorted;

    /// <summary>All streams, in order.</summary>
    public IReadOnlyList<StreamPath> Streams
    {
        get
        {
            lock (_lock)
            {
                return _sorted ??= [.. _highest.Keys.Order()];
            }
        }
    }

    /// <summary>All lanes.</summary>
    public IReadOnlyList<LaneRow> All
    {
        get
        {
            lock (_lock)
            {
                return [.. _lanes.Values];
            }
        }
    }

    /// <summary>The lanes whose events go up.</summary>
    public IReadOnlyList<LaneRow> Up
    {
        get
        {
            lock (_lock)
            {
                return [.. _lanes.Values.Where(static l => l.Sent >= 0)];
            }
        }
    }

    /// <summary>A lane, or <see langword="null"/>.</summary>
    public LaneRow? Find(LaneId lane)
    {
        lock (_lock)
        {
            return _lanes.GetValueOrDefault(lane);
        }
    }

    /// <summary>Whether there is a lane of a cluster.</summary>
    public bool Has(ClusterName cluster)
    {
        lock (_lock)
        {
            return _clusters.Contains(cluster);
        }
    }

    /// <summary>The lane with a row id, or <see langword="null"/>.</summary>
    public LaneId? Of(long row)
    {
        lock (_lock)
        {
            return _byRow.TryGetValue(row, out LaneId lane) ? lane : null;
        }
    }

    /// <summary>The lanes of a partition. Not to be changed.</summary>
    public LaneRow[] Of(StreamPartition partition)
    {
        lock (_lock)
        {
            return _byPartition.GetValueOrDefault(partition, []);
        }
    }

    /// <summary>The settings of a stream: those registered, else the default with as many partitions as its lanes show; null when it is not
    /// known.</summary>
    public StreamSettings? Settings(StreamPath stream)
    {
        lock (_lock)
        {
            return _settings.GetValueOrDefault(stream)
                ?? (!_highest.TryGetValue(stream, out int highest) ? null
                    : highest < StreamSettings.DefaultPartitions ? StreamSettings.Default : new StreamSettings(highest + 1));
        }
    }

    /// <summary>Takes in what a transaction changed.</summary>
    public void Publish(IReadOnlyCollection<LaneRow> lanes, IReadOnlyCollection<KeyValuePair<StreamPath, StreamSettings?>> settings)
    {
        lock (_lock)
        {
            foreach (LaneRow lane in lanes)
            {
                LaneRow[] beside = _byPartition.GetValueOrDefault(lane.Lane.Partition, []);
                int at = Array.FindIndex(beside, l => l.Row == lane.Row);
                LaneRow[] all = at < 0 ? [.. beside, lane] : [.. beside[..at], lane, .. beside[(at + 1)..]];
                _byPartition[lane.Lane.Partition] = all;
                _lanes[lane.Lane] = lane;
                _byRow[lane.Row] = lane.Lane;
                _clusters.Add(lane.Lane.Origin.Cluster);
                Note(lane.Lane.Partition.Stream, lane.Lane.Partition.Partition.Value);
            }

            foreach ((StreamPath stream, StreamSettings? one) in settings)
            {
                Note(stream, -1);
                if (one is null)
                {
                    _settings.Remove(stream);
                }
                else
                {
                    _settings[stream] = one;
                }
            }
        }
    }

    private void Note(StreamPath stream, int partition)
    {
        if (!_highest.TryGetValue(stream, out int highest))
        {
            _sorted = null;
            highest = -1;
        }

        _highest[stream] = Math.Max(highest, partition);
    }
}
