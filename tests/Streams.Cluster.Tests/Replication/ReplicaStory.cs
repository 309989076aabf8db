namespace Streams.Cluster.Tests;

/// <summary>Some replicas that are told what a test wants, and hand each other their frames when it wants.</summary>
internal sealed class ReplicaStory
{
    private readonly Dictionary<NodeName, Replica> _replicas = [];
    private readonly Queue<(NodeName From, NodeName To, ReplicaFrame Frame)> _frames = [];

    public static NodeName A { get; } = NodeName.Parse("a");

    public static NodeName B { get; } = NodeName.Parse("b");

    public static NodeName C { get; } = NodeName.Parse("c");

    public static ContainerConfig Config { get; } = new(5, A, [A, B, C], [A, B, C], Life: 1);

    public TimeSpan Now { get; set; } = TimeSpan.FromSeconds(100);

    public List<ContainerConfig> Proposed { get; } = [];

    public Replica this[NodeName node] => _replicas[node];

    /// <summary>A replica whose log is flushed: so many records of each epoch.</summary>
    public Replica Add(NodeName node, long promise, params (long Epoch, int Records)[] log) => Add(node, 1, promise, log);

    public Replica Add(NodeName node, long life, long promise, params (long Epoch, int Records)[] log)
    {
        EpochTable table = new();
        long last = 0;
        foreach ((long epoch, int records) in log)
        {
            table.Add(epoch, last + 1);
            last += records;
        }

        return _replicas[node] = new Replica(node, life, new ReplicaRules(), promise, last, table);
    }

    /// <summary>All know the configuration; the living (where none are named: all) have leases.</summary>
    public void Learn(ContainerConfig config, params NodeName[] alive)
    {
        alive = alive.Length == 0 ? [.. _replicas.Keys] : alive;
        foreach (Replica replica in _replicas.Values)
        {
            replica.Alive(alive, Now);
            replica.Lease(alive.Contains(replica.Self), Now);
            replica.Learn(config, Now);
        }

        Settle();
    }

    /// <summary>Hands frames over and flushes until nothing more happens.</summary>
    public void Settle(params NodeName[] cutOff)
    {
        do
        {
            foreach (Replica replica in _replicas.Values)
            {
                Take(replica);
            }

            while (_frames.TryDequeue(out (NodeName From, NodeName To, ReplicaFrame Frame) next))
            {
                if (_replicas.TryGetValue(next.To, out Replica? to) && !cutOff.Contains(next.From) && !cutOff.Contains(next.To))
                {
                    to.Receive(next.From, next.Frame, Now);
                    Take(to);
                }
            }
        }
        while (_frames.Count > 0);
    }

    public void Pass(TimeSpan time, params NodeName[] cutOff)
    {
        for (TimeSpan end = Now + time; Now < end; Now += TimeSpan.FromMilliseconds(100))
        {
            foreach (Replica replica in _replicas.Values)
            {
                replica.Tick(Now);
            }

            Settle(cutOff);
        }
    }

    private void Take(Replica replica)
    {
        foreach (ReplicaOutput output in replica.Take())
        {
            if (output is SendOutput send)
            {
                _frames.Enqueue((replica.Self, send.To, send.Frame));
            }
            else if (output is ProposeOutput propose)
            {
                Proposed.Add(propose.Config);
            }
        }

        if (replica.Flushed < replica.Last)
        {
            replica.WasFlushed(replica.Last, replica.Cuts, Now);
            Take(replica);
        }
    }
}
