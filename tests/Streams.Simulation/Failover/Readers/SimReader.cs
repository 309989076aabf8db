using Streams.Core;

namespace Streams.Simulation;

/// <summary>A consumer: where it reads, what it has stepped over, and what it was rewound to. How it is given events is its
/// kind's.</summary>
internal abstract class SimReader(World world, string name)
{
    private readonly HashSet<(char, int)> _rewinding = [];

    protected World World => world;

    public string Name => name;

    public ConsumerName Consumer { get; } = ConsumerName.Parse(name);

    /// <summary>The cluster it reads at.</summary>
    public ClusterLife? At { get; protected set; }

    /// <summary>What it was given, for judging.</summary>
    public ReaderRecord Record { get; } = new(world, name);

    /// <summary>Begins to read at a cluster, from the join of what that knows and what it keeps itself.</summary>
    public abstract void Attach(ClusterLife life);

    /// <summary>The connection is gone.</summary>
    public abstract void HangUp();

    /// <summary>The cluster sends what is next of a partition; false when there is nothing, or no room.</summary>
    public abstract bool Deliver(int partition);

    /// <summary>The consumer takes what arrived next, or goes on with what it has; false when there is nothing.</summary>
    public abstract bool Process();

    /// <summary>What it is done with is kept, and told to the cluster; false when that is no news.</summary>
    public abstract bool Commit();

    /// <summary>The generation that it reads a partition in.</summary>
    public abstract Generation Generation(int partition);

    /// <summary>The cursor that it could commit now.</summary>
    public abstract Cursor Confirmed(int partition);

    /// <summary>Where it stands in a lane: everything before was given, passed or stepped over.</summary>
    public abstract Offset Position(int partition, Origin origin);

    /// <summary>The topics that it wants, or <see langword="null"/> for all.</summary>
    public virtual string? Filter => null;

    /// <summary>Goes back to an earlier place, as an operator would: a cursor of a higher generation is written at the cluster.</summary>
    public void Rewind(int partition)
    {
        if (At is not { IsWriting: true } life || !_rewinding.Add((life.Cluster.Letter, partition)))
        {
            return;
        }

        // Above all that the cluster knows, not only above what the reader has learnt: else two rewinds would be one generation.
        Generation known = life.Container.Cursor(Consumer, world.Partition(partition)).Generation;
        Generation now = known.CompareTo(Generation(partition)) > 0 && world.Keeps(Rule.GenTie) ? known : Generation(partition);
        Generation next = new(now.Number + 1, world.Keeps(Rule.GenTie) ? life.Origin : new Origin(ClusterName.Parse("x"), default));
        Cursor cursor = new(next, Cursor.Start.Positions, []);
        foreach ((Origin origin, Offset offset) in Confirmed(partition).Positions)
        {
            if (world.Chance.Next(2) == 0)
            {
                cursor = cursor.With(origin, offset);
            }
        }

        Record.Rewound(partition, cursor, merges: !world.Keeps(Rule.GenTie));
        world.Tally.Add("rewinds");
        world.Trace?.Add($"{name} is rewound at {life.Cluster.Letter} to {world.Short(cursor)}");
        world.Go(async () =>
        {
            try
            {
                await life.Container.CommitAsync(Consumer, world.Partition(partition), cursor, CancellationToken.None);
            }
            finally
            {
                _rewinding.Remove((life.Cluster.Letter, partition));
            }
        });
    }

    /// <summary>What retention took before the reader came to it will be stepped over: takes note, for what is pardoned.</summary>
    protected void NoteGaps(int partition, IReadOnlyList<LaneStatus> lanes, Func<Origin, Offset> position)
    {
        foreach (LaneStatus status in lanes)
        {
            Offset at = position(status.Lane.Origin);
            if (status.FirstOffset > at)
            {
                Record.SteppedOver(partition, status.Lane.Origin, at, status.FirstOffset);
            }
        }
    }

    /// <summary>Forgets that a rewind was under way at a cluster whose process ended.</summary>
    public void Forget(ClusterLife life) => _rewinding.RemoveWhere(r => r.Item1 == life.Cluster.Letter);
}
