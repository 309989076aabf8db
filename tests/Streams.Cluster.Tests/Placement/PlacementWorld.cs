using Streams.Storage;

namespace Streams.Cluster.Tests.Placement;

/// <summary>A cluster of a seed, as far as placement sees it: nodes go and come, containers grow, copies end well or badly, and who
/// does the steps loses some of them.</summary>
internal sealed class PlacementWorld
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private readonly Random _chance;
    private uint _nextContainer = 1;

    public PlacementWorld(int seed)
    {
        _chance = new Random(seed);
        Limits = new PlacementLimits
        {
            CopiesPerNode = _chance.Next(1, 4),
            Copies = _chance.Next(2, 9),
            PrimaryMoves = _chance.Next(1, 9),
            FillLimit = _chance.Next(4) == 0 ? 0.6 : 0.85,
        };
        int zones = _chance.Next(1, 5);
        int nodes = _chance.Next(2, 13);
        for (int n = 0; n < nodes; n++)
        {
            AddNode(zones);
        }

        int containers = _chance.Next(1, 40);
        int wanted = _chance.Next(1, 4);
        for (int c = 0; c < containers; c++)
        {
            AddContainer(_chance.Next(5) == 0 ? _chance.Next(1, 4) : wanted);
        }
    }

    public PlacementLimits Limits { get; }

    public List<WorldNode> Nodes { get; } = [];

    public List<WorldContainer> Containers { get; } = [];

    /// <summary>What is now, in an order by chance.</summary>
    public PlacementView View()
    {
        PlacedNode[] nodes = [.. Nodes.Select(n => new PlacedNode
        {
            Name = n.Name, Zone = n.Zone, CapacityBytes = n.Capacity, OtherBytes = n.Other, AwayFor = n.AwayFor, Draining = n.Draining,
        })];
        PlacedContainer[] containers = [.. Containers.Select(c => new PlacedContainer
        {
            Id = c.Id, Bytes = c.Bytes, Load = c.Load, Wanted = c.Wanted, Primary = c.Primary, Replicas = Shuffled([.. c.Replicas]),
            InSync = Shuffled([.. c.InSync]),
        })];
        return new PlacementView { Nodes = Shuffled(nodes), Containers = Shuffled(containers) };
    }

    public T[] Shuffled<T>(T[] items)
    {
        _chance.Shuffle(items);
        return items;
    }

    public bool IsUp(NodeName name) => Nodes.Exists(n => n.Name == name && n.AwayFor is null);

    /// <summary>One thing happens.</summary>
    public void Happen()
    {
        WorldNode node = Nodes[_chance.Next(Nodes.Count)];
        switch (_chance.Next(12))
        {
            case 0 or 1:
                Lose(node);
                break;
            case 2 or 3 or 4:
                node.AwayFor = null;
                break;
            case 5:
                node.Draining = _chance.Next(2) == 0;
                break;
            case 6 when Nodes.Count < 16:
                AddNode(4);
                break;
            case 7:
                AddContainer(_chance.Next(1, 4));
                break;
            case 8:
                node.Other = _chance.NextInt64(node.Capacity / 3);
                break;
            case 9:
                Pass(TimeSpan.FromMinutes(_chance.Next(1, 15)));
                break;
            case 10 when _chance.Next(4) == 0 && node.AwayFor is not null:
                Nodes.Remove(node);
                break;
            default:
                Containers[_chance.Next(Containers.Count)].Bytes += _chance.Next(60);
                break;
        }

        if (Nodes.Count == 0)
        {
            AddNode(1);
        }

        Pass(Minute);
    }

    /// <summary>Nothing more happens, and who is away stays away.</summary>
    public void Calm() => Pass(Limits.GoneAfter + Minute);

    public void Apply(PlacementStep step)
    {
        WorldContainer container = Containers.Single(c => c.Id == step.Container);
        switch (step.Action)
        {
            case PlacementAction.AddReplica:
                container.Replicas.Add(step.Node);
                container.Added.Add(step.Node);
                break;
            case PlacementAction.RemoveReplica:
                container.Replicas.Remove(step.Node);
                container.InSync.Remove(step.Node);
                container.Added.Remove(step.Node);
                break;
            default:
                container.Primary = step.Node;
                break;
        }
    }

    public bool Sometimes(int oneIn) => _chance.Next(oneIn) == 0;

    /// <summary>Copies go on: each may end, well or, where that is asked for, badly.</summary>
    public void Copy(bool mayFail)
    {
        foreach (WorldContainer container in Containers)
        {
            if (!IsUp(container.Primary))
            {
                Elect(container);
                continue;
            }

            foreach (NodeName node in container.Replicas.Where(n => !container.InSync.Contains(n) && IsUp(n)).ToArray())
            {
                if (mayFail && container.Added.Contains(node) && Sometimes(8))
                {
                    container.Replicas.Remove(node);
                    container.Added.Remove(node);
                }
                else if (Sometimes(2))
                {
                    container.InSync.Add(node);
                    container.Added.Remove(node);
                }
            }
        }
    }

    public bool IsCopying => Containers.Exists(c => IsUp(c.Primary) && c.Replicas.Exists(n => !c.InSync.Contains(n) && IsUp(n)));

    /// <summary>All that decides what is planned next, as one text.</summary>
    public string Signature() => string.Join(';', Containers.Select(c =>
        $"{c.Primary}:{string.Join(',', c.Replicas.Order())}:{string.Join(',', c.InSync.Order())}"));

    // What is in sync and away is dropped by the primary when there is something to write.
    private void Lose(WorldNode node)
    {
        node.AwayFor ??= TimeSpan.Zero;
        foreach (WorldContainer container in Containers.Where(c => c.Replicas.Contains(node.Name)))
        {
            Elect(container);
            if (container.Primary != node.Name && IsUp(container.Primary) && !Sometimes(4))
            {
                container.InSync.Remove(node.Name);
            }
        }
    }

    private void Elect(WorldContainer container)
    {
        if (!IsUp(container.Primary) && !Sometimes(4) && container.InSync.Find(IsUp) is { IsNone: false } heir)
        {
            container.Primary = heir;
        }
    }

    private void Pass(TimeSpan time)
    {
        foreach (WorldNode node in Nodes)
        {
            node.AwayFor += time;
        }
    }

    private void AddNode(int zones) => Nodes.Add(new WorldNode
    {
        Name = NodeName.Parse($"n{_chance.Next(1_000_000)}"),
        Zone = $"z{_chance.Next(zones)}",
        Capacity = _chance.Next(3) == 0 ? _chance.Next(500, 4000) : 2000,
        Other = Sometimes(4) ? _chance.Next(300) : 0,
    });

    private void AddContainer(int wanted)
    {
        PlacementView view = View();
        NextPartitionlet next = PlacementPlanner.NextContainer(view with { Containers = [] }, Limits, wanted, 0);
        NodeName[] nodes = next.IsNowhere ? [Nodes[_chance.Next(Nodes.Count)].Name] : [.. next.Nodes];
        if (Sometimes(3))
        {
            nodes = [.. Shuffled(Nodes.Select(n => n.Name).ToArray()).Take(_chance.Next(1, wanted + 2))];
        }

        Containers.Add(new WorldContainer
        {
            Id = new ContainerId(_nextContainer++), Wanted = wanted, Bytes = Sometimes(6) ? _chance.Next(400) : _chance.Next(1, 90),
            Load = _chance.Next(100), Primary = nodes[0], Replicas = [.. nodes], InSync = [.. nodes],
        });
    }
}

internal sealed class WorldNode
{
    public required NodeName Name { get; init; }

    public required string Zone { get; init; }

    public required long Capacity { get; init; }

    public long Other { get; set; }

    public TimeSpan? AwayFor { get; set; }

    public bool Draining { get; set; }
}

internal sealed class WorldContainer
{
    public required ContainerId Id { get; init; }

    public required int Wanted { get; init; }

    public long Bytes { get; set; }

    public long Load { get; init; }

    public required NodeName Primary { get; set; }

    public required List<NodeName> Replicas { get; init; }

    public required List<NodeName> InSync { get; init; }

    /// <summary>Those of the replicas that a step added and that were not in sync since.</summary>
    public HashSet<NodeName> Added { get; } = [];
}
