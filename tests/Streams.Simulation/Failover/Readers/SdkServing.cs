using Streams.Core;
using Streams.Gateways;

namespace Streams.Simulation;

/// <summary>The cluster's side of an SDK consumer's session: the product's ungated readers, one for each partition.</summary>
internal sealed class SdkServing
{
    private readonly World _world;
    private readonly ClusterLife _life;
    private readonly ConsumerName _consumer;
    private readonly IEventFilter _filter;
    private readonly SortedDictionary<int, (PartitionView View, UngatedReader Reader)> _parts = [];

    public SdkServing(World world, ClusterLife life, ConsumerName consumer, IEventFilter filter,
        IEnumerable<(PartitionId Partition, Cursor Cursor)> cursors)
    {
        _world = world;
        _life = life;
        _consumer = consumer;
        _filter = filter;
        foreach ((PartitionId partition, Cursor cursor) in cursors)
        {
            Add(partition, cursor);
        }
    }

    /// <summary>The partitions that the stream has got since the session began; they are served from now on.</summary>
    public (PartitionId Partition, Cursor Cursor)[] Grow()
    {
        if (!_world.Configuration.Has(Faults.MorePartitions))
        {
            return [];
        }

        (PartitionId Partition, Cursor Cursor)[] grown = SdkDecisions.Grown(_life.Store, _consumer, _world.Stream, _parts.Count);
        foreach ((PartitionId partition, Cursor cursor) in grown)
        {
            Add(partition, cursor);
        }

        return grown;
    }

    /// <summary>Lets the reader of a partition see what is new, a rewind too; gives the lanes as they are now.</summary>
    public IReadOnlyList<LaneStatus> Look(int partition)
    {
        (PartitionView view, UngatedReader reader) = _parts[partition];
        foreach (LaneStatus status in view.Look())
        {
            reader.See(status);
        }

        reader.Observe(_life.Store.Cursor(_consumer, view.Partition));
        return view.Seen;
    }

    public Offset Position(int partition, Origin origin) => _parts[partition].Reader.Position(origin);

    public bool Serves(int partition) => _parts.ContainsKey(partition);

    /// <summary>The next delivery of a partition, or <see langword="null"/>.</summary>
    public Delivery? Next(int partition)
    {
        (PartitionView view, UngatedReader reader) = _parts[partition];
        TimeSpan now = _world.Time.Elapsed;
        while (true)
        {
            ReaderCounts before = reader.Counts;
            Delivery? delivery = reader.Next(now);
            _world.Tally.Add("twins skipped", reader.Counts.TwinsSkipped - before.TwinsSkipped);
            _world.Tally.Add("events in gaps, stepped over by readers", reader.Counts.GapEvents - before.GapEvents);
            _world.Tally.Add("closed lanes told to readers", reader.Counts.ReleasedClosed - before.ReleasedClosed);
            if (delivery is not null)
            {
                return delivery;
            }

            if (!reader.TryWant(out Origin origin, out Offset from))
            {
                return null;
            }

            Offset known = view.Seen.FirstOrDefault(s => s.Lane.Origin == origin).NextOffset;
            World.Fill(_life.Filler.FillAsync(new LaneId(view.Partition, origin), from, known, now, reader.Offer, reader.OfferGap,
                CancellationToken.None));
        }
    }

    /// <summary>The SDK confirms a cursor: ground for skipping twins at once, committed when it is flushed.</summary>
    public void Commit(CommitRequest request)
    {
        (PartitionView view, UngatedReader reader) = _parts[request.Partition.Value];
        reader.Confirmed(request.Cursor);
        _world.Go(() => _life.Store.CommitAsync(_consumer, view.Partition, request.Cursor, CancellationToken.None));
    }

    /// <summary>A lane is wanted again; false for a place that was never sent.</summary>
    public bool Resume(ResumeRequest request) => _parts[request.Partition.Value].Reader.Resume(request.Origin, request.From);

    private void Add(PartitionId partition, Cursor cursor)
    {
        PartitionView view = new(_life.Store, _life, _world.Partition(partition.Value));
        _parts[partition.Value] = (view, new UngatedReader(1, partition, view, _filter, cursor, _world.Limits, _world.DeliveryRules));
    }
}
