using Streams.Core;
using Streams.Gateways;
using Streams.Testing;

namespace Streams.Simulation;

/// <summary>A plain MQTT client with a persistent session: the cluster decides all of it, with the product's gated reader; the client
/// confirms. At least once, in order.</summary>
internal sealed class PlainReader(World world, string name) : SimReader(world, name)
{
    private const int Window = 6;

    private readonly SortedDictionary<int, Part> _parts = [];
    private readonly SimulatedWay<(int Partition, long Ticket, Generation Generation, TruePlace Place, int Uid)> _down = new(64);
    private readonly SimulatedWay<(int Partition, long Ticket)> _up = new(64);

    private sealed record Part(PartitionView View, GatedReader Reader);

    public override void Attach(ClusterLife life)
    {
        HangUp();
        At = life;
        AddPartitions(life);
        World.Trace?.Add($"{Name} reads at {life.Cluster.Letter}");
    }

    // As the session's readings do: whenever there is news.
    private void AddPartitions(ClusterLife life)
    {
        for (int partition = _parts.Count; partition < World.PartitionsAt(life); partition++)
        {
            PartitionView view = new(life.Store, life, World.Partition(partition));
            _parts[partition] = new Part(view, new GatedReader(view, EveryEvent.Instance, life.Store.Cursor(Consumer,
                World.Partition(partition)),
                World.Limits, World.DeliveryRules));
        }
    }

    public override void HangUp()
    {
        At = null;
        _parts.Clear();
        _down.Cut();
        _up.Cut();
    }

    public override bool Deliver(int partition)
    {
        if (At is not { } life)
        {
            return false;
        }

        AddPartitions(life);
        if (!_parts.TryGetValue(partition, out Part? part))
        {
            return false;
        }

        if (_up.TryArrive(out (int Partition, long Ticket) confirmed))
        {
            _parts[confirmed.Partition].Reader.Confirm(confirmed.Ticket);
            return true;
        }

        GatedReader reader = part.Reader;
        IReadOnlyList<LaneStatus> lanes = part.View.Look();
        foreach (LaneStatus status in lanes)
        {
            reader.See(status);
        }

        reader.Observe(life.Store.Cursor(Consumer, part.View.Partition));
        NoteGaps(partition, lanes, reader.Position);
        return reader.InFlight < Window && Next(life, partition, part);
    }

    public override bool Process()
    {
        if (!_down.TryArrive(out (int Partition, long Ticket, Generation Generation, TruePlace Place, int Uid) given))
        {
            return false;
        }

        Record.Give(given.Generation, given.Place, given.Uid);
        _up.Send((given.Partition, given.Ticket));
        return true;
    }

    public override bool Commit()
    {
        foreach ((int partition, Part part) in _parts)
        {
            if (At is { IsWriting: true } life && part.Reader.HasNews)
            {
                Cursor cursor = part.Reader.TakeCursor();
                World.Go(() => life.Store.CommitAsync(Consumer, World.Partition(partition), cursor, CancellationToken.None));
                return true;
            }
        }

        return false;
    }

    public override Generation Generation(int partition) => _parts.TryGetValue(partition, out Part? part) ? part.Reader.Generation
        : default;

    public override Cursor Confirmed(int partition) => _parts.TryGetValue(partition, out Part? part) ? part.Reader.TakeCursor()
        : Cursor.Start;

    public override Offset Position(int partition, Origin origin) => _parts.TryGetValue(partition, out Part? part)
        ? part.Reader.Position(origin) : default;

    private bool Next(ClusterLife life, int partition, Part part)
    {
        GatedReader reader = part.Reader;
        TimeSpan now = World.Time.Elapsed;
        for (bool moved = false; ;)
        {
            ReaderCounts before = reader.Counts;
            if (reader.TryNext(now, out Gateways.GivenEvent given))
            {
                int uid = Truth.UidOf(given.View);
                if (given.Release != Release.None)
                {
                    Record.Released(World.Truth[uid].Producer, partition);
                }

                _down.Send((partition, given.Ticket, reader.Generation, new TruePlace(partition, given.Origin, given.Offset.Value), uid));
                return true;
            }

            moved |= reader.Counts.TwinsSkipped > before.TwinsSkipped || reader.Counts.GapEvents > before.GapEvents;
            World.Tally.Add("twins skipped", reader.Counts.TwinsSkipped - before.TwinsSkipped);
            World.Tally.Add("events in gaps, stepped over by readers", reader.Counts.GapEvents - before.GapEvents);
            if (!reader.TryWant(out Origin origin, out Offset from))
            {
                return moved;
            }

            Offset known = part.View.Seen.FirstOrDefault(s => s.Lane.Origin == origin).NextOffset;
            World.Fill(life.Filler.FillAsync(new LaneId(part.View.Partition, origin), from, known, now, reader.Offer, reader.OfferGap,
                CancellationToken.None));
        }
    }
}

/// <summary>Wants everything.</summary>
internal sealed class EveryEvent : IEventFilter
{
    public static readonly EveryEvent Instance = new();

    public bool Wants(Origin origin, Offset offset, ReadOnlySpan<byte> topic) => true;
}

/// <summary>Wants one topic.</summary>
internal sealed class OneTopic(string topic) : IEventFilter
{
    private readonly byte[] _topic = System.Text.Encoding.UTF8.GetBytes(topic);

    public bool Wants(Origin origin, Offset offset, ReadOnlySpan<byte> topic) => topic.SequenceEqual(_topic);
}
