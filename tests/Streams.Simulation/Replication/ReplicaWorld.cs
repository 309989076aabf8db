using Streams.Cluster;

namespace Streams.Simulation;

/// <summary>What is deliberately wrong in a world: the judge must notice.</summary>
internal enum ReplicaFault
{
    None,

    /// <summary>A follower answers before its log is flushed.</summary>
    AckBeforeFlush,

    /// <summary>A primary commits with the answer of one.</summary>
    OneIsEnough,

    /// <summary>A process takes its former life's epoch for its own.</summary>
    OneLife,

    /// <summary>A primary serves although its lease is over.</summary>
    NoLease,
}

/// <summary>Some nodes with one container, a catalog, clients; messages are lost, late, doubled and in another order, nodes crash, stand
/// still and are cut off. Judged at each step that could break something.</summary>
internal sealed class ReplicaWorld
{
    private static readonly TimeSpan LeaseLength = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Chaos = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(60);

    private readonly PriorityQueue<(Action Do, ReplicaNode? At), (TimeSpan When, long Order)> _events = new();
    private readonly Dictionary<NodeName, ReplicaNode> _nodes = [];
    private readonly HashSet<(NodeName, NodeName)> _cuts = [];
    private readonly HashSet<NodeName> _cutFromCatalog = [];
    private readonly ReplicaCatalog _catalog;
    private readonly SortedDictionary<long, long> _told = [];
    private readonly Dictionary<long, NodeName> _tellers = [];
    private long _order;
    private long _published;
    private long _read;
    private long _revision;
    private TimeSpan _toldAt;
    private double _slow;

    public ReplicaWorld(int seed, ReplicaFault broken = ReplicaFault.None)
    {
        Chance = new Random(seed);
        Broken = broken;
        Names = [.. Enumerable.Range(1, Chance.Next(3, 6)).Select(static i => NodeName.Parse($"n{i}"))];
        NodeName[] replicas = [.. Names.Take(3)];
        _catalog = new ReplicaCatalog(ContainerConfig.First(replicas[0], replicas));
        foreach (NodeName node in Names)
        {
            _nodes.Add(node, new ReplicaNode(this, node));
        }
    }

    public Random Chance { get; }

    public ReplicaFault Broken { get; }

    public IReadOnlyList<NodeName> Names { get; }

    public TimeSpan Now { get; private set; }

    public ReplicaRules Rules { get; } = new() { Window = 50, FrameRecords = 8, JoinWithin = 20 };

    public int Crashes { get; private set; }

    public int Told => _told.Count;

    public int Cuts { get; private set; }

    public int TakeOvers { get; private set; }

    private bool IsCalm => Now >= Chaos;

    /// <summary>Plays the world: a minute of chaos, then a minute in which everything must become well.</summary>
    public void Play()
    {
        foreach (ReplicaNode node in _nodes.Values)
        {
            node.Start();
        }

        Every(TimeSpan.FromMilliseconds(40), Publish);
        Every(TimeSpan.FromMilliseconds(30), Read);
        Every(TimeSpan.FromMilliseconds(250), Watch);
        Every(TimeSpan.FromMilliseconds(700), Hurt);
        while (_events.TryDequeue(out (Action Do, ReplicaNode? At) next, out (TimeSpan When, long) at)
            && at.When < Chaos + Calm)
        {
            Now = at.When;
            if (next.At is { } node && node.PausedUntil > Now)
            {
                After(node.PausedUntil - Now, next.Do, node);
            }
            else
            {
                next.Do();
            }
        }

        JudgeEnd();
    }

    public void After(TimeSpan time, Action action, ReplicaNode? at = null) => _events.Enqueue((action, at), (Now + time, _order++));

    public void Every(TimeSpan time, Func<bool> action) => After(time, () =>
    {
        if (action())
        {
            Every(time, action);
        }
    });

    public TimeSpan FlushTime() => Ms(Chance.Next(100) == 0 ? Chance.Next(2000) : Chance.Next(1, 15));

    public void Send(NodeName from, NodeName to, ReplicaFrame frame, ReplicaRecord[] bodies)
    {
        int copies = IsCalm ? 1 : Chance.Next(100) < _slow * 100 ? 0 : Chance.Next(30) == 0 ? 2 : 1;
        for (int i = 0; i < copies && !_cuts.Contains((from, to)); i++)
        {
            After(Ms(Chance.Next(50) == 0 && !IsCalm ? Chance.Next(3000) : Chance.Next(1, 20)),
                () => _nodes[to].Receive(from, frame, bodies), _nodes[to]);
        }
    }

    public void Propose(ReplicaNode from, ContainerConfig config) => AskCatalog(from, () =>
    {
        NodeName before = _catalog.Config.Primary;
        if (_catalog.Swap(config))
        {
            TakeOvers += config.Primary == before ? 0 : 1;
            JudgeInSync();
            After(Ms(Chance.Next(1, 30)), () => Watch());
        }
    });

    public void KeepLease(ReplicaNode node)
    {
        long life = node.Life;
        Every(LeaseLength / 3, () =>
        {
            if (!node.IsUp || node.Life != life)
            {
                return false;
            }

            if (node.PausedUntil <= Now)
            {
                TimeSpan asked = Now;
                AskCatalog(node, () =>
                {
                    if (_catalog.Keep(node.Name, life, Now, LeaseLength))
                    {
                        After(Ms(Chance.Next(1, 10)), () => node.Leased(asked + (LeaseLength * 0.95), life), node);
                    }
                });
            }

            return true;
        });
    }

    /// <summary>A client was told that its event is committed.</summary>
    public void WasTold(ReplicaNode node, long number, long value)
    {
        long epoch = node.Replica!.Config!.Epoch;
        if (!_tellers.TryAdd(epoch, node.Name) && _tellers[epoch] != node.Name)
        {
            Fail($"{node.Name} and {_tellers[epoch]} both told something in epoch {epoch}");
        }

        if (!_told.TryAdd(number, value))
        {
            Fail($"{number} was told twice: {_told[number]} and {value}");
        }

        foreach (NodeName name in _catalog.Config.InSync)
        {
            JudgeRecord(name, number, value);
        }

        _read = Math.Max(_read, number);
        _toldAt = Now;
    }

    /// <summary>A client read up to a number.</summary>
    public void WasRead(ReplicaNode node, long committed)
    {
        if (committed < _read)
        {
            Fail($"{node.Name} serves up to {committed}, but {_read} was seen before");
        }

        _read = committed;
    }

    /// <summary>A log was cut.</summary>
    public void WasCut(ReplicaNode node, long last)
    {
        Cuts++;
        if (_catalog.Config.InSync.Contains(node.Name) && _told.Count > 0 && _told.Keys.Last() > last)
        {
            Fail($"{node.Name}, in sync, cuts its log behind {last}, but {_told.Keys.Last()} was told");
        }
    }

    private static TimeSpan Ms(int milliseconds) => TimeSpan.FromMilliseconds(milliseconds);

    private void AskCatalog(ReplicaNode node, Action ask)
    {
        if (!_cutFromCatalog.Contains(node.Name) && (IsCalm || Chance.Next(100) >= _slow * 100))
        {
            After(Ms(Chance.Next(60) == 0 ? Chance.Next(4000) : Chance.Next(1, 15)), ask);
        }
    }

    private bool Watch()
    {
        IReadOnlyList<NodeName> alive = _catalog.Alive(Now);
        ContainerConfig config = _catalog.Config;
        long revision = ++_revision;
        foreach (ReplicaNode node in _nodes.Values.Where(n => n.IsUp && !_cutFromCatalog.Contains(n.Name)))
        {
            long life = node.Life;
            After(Ms(Chance.Next(1, 200)), () => node.Learn(config, alive, revision, life), node);
        }

        return true;
    }

    private bool Publish()
    {
        foreach (ReplicaNode node in _nodes.Values.Where(n => n.PausedUntil <= Now))
        {
            node.Publish([.. Enumerable.Range(0, Chance.Next(1, 5)).Select(_ => ++_published)]);
        }

        return true;
    }

    private bool Read()
    {
        foreach (ReplicaNode node in _nodes.Values.Where(n => n.PausedUntil <= Now))
        {
            node.Read();
        }

        return true;
    }

    private bool Hurt()
    {
        if (IsCalm)
        {
            _cuts.Clear();
            _cutFromCatalog.Clear();
            _slow = 0;
            foreach (ReplicaNode down in _nodes.Values.Where(static n => !n.IsUp))
            {
                down.Start();
            }

            return false;
        }

        ReplicaNode node = _nodes[Names[Chance.Next(Names.Count)]];
        switch (Chance.Next(12))
        {
            case 0 or 1 when node.IsUp:
                Crash(node);
                break;
            case 2:
                foreach (ReplicaNode each in _nodes.Values.Where(n => n.IsUp && Chance.Next(3) > 0))
                {
                    Crash(each);
                }

                break;
            case 3:
                node.PausedUntil = Now + Ms(Chance.Next(8000));
                break;
            case 4:
                foreach (NodeName other in Names.Where(n => n != node.Name))
                {
                    Cut(node.Name, other);
                }

                break;
            case 5:
                Cut(node.Name, Names[Chance.Next(Names.Count)]);
                break;
            case 6:
                _cutFromCatalog.Add(node.Name);
                After(Ms(Chance.Next(10_000)), () => _cutFromCatalog.Remove(node.Name));
                break;
            case 7:
                _slow = Chance.NextDouble() * 0.3;
                break;
            case 8:
                Assign();
                break;
            case 9:
                CutOff(_nodes[_catalog.Config.Primary]);
                break;
            default:
                break;
        }

        return true;
    }

    private void Crash(ReplicaNode node)
    {
        Crashes++;
        node.Crash();
        JudgeInSync();
        After(Ms(Chance.Next(50, 9000)), () =>
        {
            if (!node.IsUp)
            {
                node.Start();
            }
        });
    }

    // From everyone but its clients: it goes on as if nothing were, until its lease is over.
    private void CutOff(ReplicaNode node)
    {
        foreach (NodeName other in Names.Where(n => n != node.Name))
        {
            Cut(node.Name, other, both: true);
        }

        _cutFromCatalog.Add(node.Name);
        After(Ms(Chance.Next(10_000)), () => _cutFromCatalog.Remove(node.Name));
    }

    private void Cut(NodeName one, NodeName other, bool both = false)
    {
        both |= Chance.Next(3) > 0;
        _cuts.Add((one, other));
        if (both)
        {
            _cuts.Add((other, one));
        }

        After(Ms(Chance.Next(10_000)), () =>
        {
            _cuts.Remove((one, other));
            _cuts.Remove((other, one));
        });
    }

    // The planner: another node in place of one, or the primary moves. Never fewer in sync than the minimum.
    private void Assign()
    {
        ContainerConfig now = _catalog.Config;
        if (Chance.Next(2) == 0 && now.InSync.Count > 1)
        {
            _catalog.Swap(now.MovedTo(now.InSync.First(n => n != now.Primary)) with { Life = 0 });
        }
        else if (Names.FirstOrDefault(n => !now.Replicas.Contains(n)) is { IsNone: false } spare)
        {
            NodeName[] others = [.. now.Replicas.Where(n => n != now.Primary && !(now.InSync.Contains(n)
                && now.InSync.Count <= Rules.MinInSync))];
            if (others.Length > 0)
            {
                NodeName out_ = others[Chance.Next(others.Length)];
                _catalog.Swap(now.AssignedTo([.. now.Replicas.Where(n => n != out_), spare]) with { Life = 0 });
            }
        }

        JudgeInSync();
    }

    private void JudgeInSync()
    {
        foreach (NodeName name in _catalog.Config.InSync)
        {
            foreach ((long number, long value) in _told)
            {
                JudgeRecord(name, number, value);
            }
        }
    }

    private void JudgeRecord(NodeName name, long number, long value)
    {
        List<ReplicaRecord> log = _nodes[name].Disk.Durable;
        if (log.Count < number || log[(int)number - 1].Value != value)
        {
            Fail($"{name} is in sync in epoch {_catalog.Config.Epoch} and has not {value} at {number}, which was told"
                + (log.Count < number ? $": its log ends at {log.Count}" : $": it has {log[(int)number - 1].Value}"));
        }
    }

    private void JudgeEnd()
    {
        JudgeInSync();
        ContainerConfig config = _catalog.Config;
        if (config.InSync.Count != config.Replicas.Count)
        {
            Fail($"after a minute of calm only {string.Join(' ', config.InSync)} of {string.Join(' ', config.Replicas)} are in sync");
        }

        ReplicaNode primary = _nodes[config.Primary];
        if (Now - _toldAt > TimeSpan.FromSeconds(10))
        {
            Fail($"nothing was told since {_toldAt.TotalSeconds:F3} s: {config.Primary} is {primary.Replica?.Standing},"
                + $" {primary.Replica?.Committed} of {primary.Replica?.Last} are committed");
        }

        foreach (NodeName name in config.InSync)
        {
            int same = (int)Math.Min(primary.Replica!.Committed, _nodes[name].Disk.Seen.Count);
            if (!primary.Disk.Seen.Take(same).SequenceEqual(_nodes[name].Disk.Seen.Take(same)))
            {
                Fail($"{name} and {config.Primary} differ below {same}");
            }
        }

        if (_told.Count < 100)
        {
            Fail($"only {_told.Count} events were told in two minutes");
        }
    }

    private void Fail(string what) => throw new ReplicaWorldException($"at {Now.TotalSeconds:F3} s: {what}");
}

/// <summary>The judge of a world of replicas found a fault.</summary>
internal sealed class ReplicaWorldException(string message) : Exception(message);
