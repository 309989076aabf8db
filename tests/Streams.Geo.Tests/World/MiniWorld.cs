using Streams.Core;

namespace Streams.Geo.Tests;

/// <summary>A few clusters and the links between them, driven by one seed: everything that can happen to them happens, then all is mended,
/// and what must hold is looked at.</summary>
internal sealed class MiniWorld
{
    private readonly Dictionary<string, MemoryLaneStore> _stores = [];
    private readonly Dictionary<string, IncomingMemory> _incoming = [];
    private readonly Dictionary<MachineLink, SenderMemory> _outgoing = [];
    private readonly List<MachineLink> _links = [];
    private readonly Random _chance;
    private ulong _clock = 1000;
    private int _written;

    /// <summary>Links are pairs of letters: <c>ab bc ca</c>.</summary>
    public MiniWorld(string topology, int seed, OfferRule? rule = null, int feedPatienceMs = 500)
    {
        FeedPatienceMs = feedPatienceMs;
        _chance = new Random(seed);
        Rule = rule;
        foreach (var name in topology.Where(char.IsLetter).Distinct())
        {
            _stores[name.ToString()] = new MemoryLaneStore(name.ToString(), Tick);
        }

        _links.AddRange(topology.Split(' ').Select(pair => new MachineLink(this, pair[..1], pair[1..])));
    }

    public OfferRule? Rule { get; }

    public int FeedPatienceMs { get; }

    public List<string> Log { get; } = [];

    public long Copies { get; set; }

    public long AskedOnPath { get; set; }

    public long OfferedOnPath { get; set; }

    public long Repeated { get; set; }

    public long Lost { get; set; }

    public int Faults { get; set; }

    /// <summary>Sessions that went on with the list of an earlier one, and those that began with a whole list; lanes that the first did
    /// not list again.</summary>
    public int Resumed { get; set; }

    public int Begun { get; set; }

    public long LanesSpared { get; set; }

    public long StateItems { get; set; }

    public long StateItemsSpared { get; set; }

    public int Wipes { get; private set; }

    public IReadOnlyDictionary<string, MemoryLaneStore> Stores => _stores;

    public IReadOnlyList<MachineLink> Links => _links;

    public MemoryLaneStore this[string name] => _stores[name];

    /// <summary>The virtual time of all clusters.</summary>
    public TimeSpan Time { get; private set; } = TimeSpan.FromSeconds(1);

    /// <summary>What the incoming links of a cluster share.</summary>
    public IncomingMemory Incoming(string name)
    {
        if (!_incoming.TryGetValue(name, out var shared))
        {
            _incoming[name] = shared = new IncomingMemory();
        }

        return shared;
    }

    /// <summary>What the sending side of a link remembers.</summary>
    public SenderMemory Outgoing(MachineLink link)
    {
        if (!_outgoing.TryGetValue(link, out var memory))
        {
            _outgoing[link] = memory = new SenderMemory(Tick() << 32);
        }

        return memory;
    }

    /// <summary>The process ends: what was only in its memory is gone; the other sides remember.</summary>
    private void Forget(string name)
    {
        _incoming.Remove(name);
        foreach (var link in _links.Where(link => link.From == name))
        {
            _outgoing.Remove(link);
        }
    }

    /// <summary>Time passes for all machines.</summary>
    public void Pass(TimeSpan span)
    {
        Time += span;
        foreach (var link in _links)
        {
            link.Tick();
        }
    }

    public ulong Tick() => ++_clock;

    /// <summary>Joined state that changed something in a cluster goes on over its other links (rule R16).</summary>
    public void PassOn(string cluster, MachineLink came, IReadOnlyList<StateItem> items)
    {
        foreach (var link in _links.Where(link => link.From == cluster && link.To != came.From))
        {
            link.Sender?.PassOn(items);
        }
    }

    public void Play(int steps, string faults)
    {
        for (var i = 0; i < steps; i++)
        {
            var link = _links[_chance.Next(_links.Count)];
            switch (_chance.Next(100))
            {
                case < 8:
                    Write();
                    break;
                case < 12:
                    Flush(_stores.Values.ElementAt(_chance.Next(_stores.Count)));
                    break;
                case 12 or 22 or 23:
                    link.Cut();
                    break;
                case < 17:
                    if (!link.IsUp)
                    {
                        link.Connect();
                    }

                    break;
                case 17 when faults.Contains("crash"):
                    Stop(link.From);
                    Forget(link.From);
                    _stores[link.From].Crash();
                    break;
                case 18 when faults.Contains("wipe") && _chance.Next(4) == 0 && Wipes < 3:
                    Wipe(link.From);
                    break;
                case 19 when faults.Contains("damage"):
                    Damage(link.From);
                    break;
                case 21:
                    Pass(TimeSpan.FromMilliseconds(50 + _chance.Next(300)));
                    break;
                case 20 when faults.Contains("trim"):
                    Trim(link.From);
                    break;
                default:
                    link.Step(_chance, faults.Contains("loss"));
                    break;
            }
        }
    }

    public MachineLink Link(string name) => _links.Single(link => link.From + link.To == name);

    /// <summary>So many things happen, without faults; time stands still.</summary>
    public void Run(int steps)
    {
        for (var i = 0; i < steps; i++)
        {
            RunOne();
        }
    }

    public void RunUntil(Func<bool> condition)
    {
        for (var i = 0; !condition(); i++)
        {
            Assert.True(i < 20_000, "waited in vain");
            RunOne();
        }
    }

    private void RunOne()
    {
        foreach (var store in _links.Select(link => link.Sender))
        {
            store?.Refresh();
        }

        _links[_chance.Next(_links.Count)].Step(_chance, faults: false);
    }

    /// <summary>No more faults: what is down comes up, what is up stays up, until nothing moves any more.</summary>
    public void Mend() => Assert.True(TryMend(), "the world does not come to rest: " + string.Join(" | ", Log.TakeLast(6)));

    public bool TryMend()
    {
        foreach (var store in _stores.Values)
        {
            store.Flush();
        }

        foreach (var link in _links.Where(link => link.HasLost))
        {
            link.Cut(); // the last entry of a lane has no successor that would show that it is missing
        }

        for (int rounds = 0, still = 0; rounds < 40_000; rounds++)
        {
            var moved = false;
            foreach (var link in _links)
            {
                if (!link.IsUp && !link.IsDown)
                {
                    link.Connect();
                }

                link.Sender?.Refresh();
                moved |= link.Step(_chance, faults: false);
            }

            if (rounds % 20 == 0 || !moved)
            {
                Pass(TimeSpan.FromMilliseconds(200));
            }

            // At rest when nothing moves though the longest patience passes.
            still = moved || !_links.All(link => link.IsQuiet || link.IsDown) ? 0 : still + 1;
            if (still > 60)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>What is wrong after mending; empty when all is well.</summary>
    public IReadOnlyList<string> Check()
    {
        List<string> wrong = [.. _stores.Values.SelectMany(store => store.Forks), .. Differences()];
        foreach (var link in _links)
        {
            var (from, to) = (_stores[link.From], _stores[link.To]);
            foreach (var lane in from.Lanes())
            {
                if (to.Lane(lane.Lane)?.NextEntry.Value is not { } next || next < lane.NextEntry.Value)
                {
                    wrong.Add($"{link.From} holds {lane.NextEntry} entries of {lane.Lane}, {link.To} only {to.Lane(lane.Lane)?.NextEntry}");
                }
            }

            wrong.AddRange(from.Registers.Where(r => to.Registers.GetValueOrDefault(r.Key, -1) < r.Value)
                .Select(r => $"register {r.Key} is {r.Value} at {link.From}, not at {link.To}"));
            wrong.AddRange(link.Receiver!.IsLevel ? [] : [$"{link.From}→{link.To} is not level, {link.Receiver.LagEvents} behind"]);
            wrong.AddRange(link.Sender!.LagEvents == 0 ? [] : [$"{link.From}→{link.To} thinks it lags {link.Sender.LagEvents}"]);
            wrong.AddRange(link.Sender.IsLevel ? [] : [$"{link.From}→{link.To} does not know that it is level"]);
            wrong.AddRange(link.Receiver.BytesHeld == 0 ? [] : [$"{link.To} still holds {link.Receiver.BytesHeld} bytes"]);
        }

        wrong.AddRange(OfferedOnPath == 0 ? [] : [$"{OfferedOnPath} entries were offered to a cluster on their path"]);
        return wrong;
    }

    /// <summary>An entry number names the same bytes in every cluster, linked or not (invariant 2).</summary>
    private List<string> Differences()
    {
        List<string> wrong = [];
        Dictionary<(LaneId, long), string> named = [];
        foreach (var store in _stores.Values)
        {
            foreach (var lane in store.Lanes())
            {
                wrong.AddRange(store.Content(lane.Lane).Where(entry => !named.TryAdd((lane.Lane, entry.Key), entry.Value)
                    && named[(lane.Lane, entry.Key)] != entry.Value).Select(entry =>
                        $"{lane.Lane} entry {entry.Key} differs at {store.Origin}"));
            }
        }

        return wrong;
    }

    private void Write()
    {
        var store = _stores.Values.ElementAt(_chance.Next(_stores.Count));
        var n = ++_written;
        if (_chance.Next(4) == 0)
        {
            store.Append(_chance.Next(2), $"{"xyz"[n % 3]}={n}", EntryKind.Registers);
        }
        else
        {
            store.Append(_chance.Next(2), $"event {n} of {store.Origin}");
        }

        if (_chance.Next(2) == 0)
        {
            Flush(store);
        }
    }

    private void Flush(MemoryLaneStore store)
    {
        store.Flush();
        foreach (var link in _links.Where(link => link.IsUp && world(link) == store))
        {
            link.Sender!.Refresh();
        }

        MemoryLaneStore world(MachineLink link) => _stores[link.From];
    }

    private void Stop(string name)
    {
        foreach (var link in _links.Where(link => link.From == name || link.To == name))
        {
            link.Cut();
        }
    }

    private void Wipe(string name)
    {
        Stop(name);
        Wipes++;
        _stores[name] = new MemoryLaneStore(name, Tick);
        Forget(name);
    }

    private void Damage(string name)
    {
        var store = _stores[name];
        var foreign = store.Lanes().Where(l => l.Lane.Origin.Cluster != store.Origin.Cluster && l.NextEntry > l.FirstEntry + 1).ToArray();
        if (foreign.Length > 0)
        {
            Stop(name);
            var lane = foreign[_chance.Next(foreign.Length)];
            Forget(name);
            store.LoseTail(lane.Lane, lane.FirstEntry.Value + 1 + _chance.Next((int)(lane.NextEntry - lane.FirstEntry) - 1));
        }
    }

    private void Trim(string name)
    {
        var lanes = _stores[name].Lanes().Where(l => l.NextEntry > l.FirstEntry + 1).ToArray();
        if (lanes.Length > 0)
        {
            var lane = lanes[_chance.Next(lanes.Length)];
            _stores[name].Trim(lane.Lane, lane.FirstEntry.Value + 1 + _chance.Next((int)(lane.NextEntry - lane.FirstEntry) - 1));
        }
    }
}
