using System.Text;
using Microsoft.Extensions.Logging;
using Streams.Core;
using Streams.Geo;
using Streams.Testing;

namespace Streams.Simulation;

/// <summary>A few clusters in one process, with a cutting proxy in every link, played from one seed.</summary>
internal sealed class TopologyWorld : IAsyncDisposable
{
    private static readonly StreamPath Fleet = StreamPath.Parse("/fleet");
    private static readonly ConsumerName[] Consumers = [ConsumerName.Parse("billing"), ConsumerName.Parse("maps")];

    private readonly Topology _topology;
    private readonly Random _chance;
    private readonly TemporaryDirectory _directory = new();
    private readonly CollectingLoggerProvider _logging = new();
    private readonly List<Member> _members = [];
    private readonly Dictionary<(int From, int To), CuttingProxy> _proxies = [];
    private int _written;

    public TopologyWorld(Topology topology, int seed)
    {
        _topology = topology;
        _chance = new Random(seed);
        for (int i = 0; i < topology.Clusters; i++)
        {
            ClusterName name = Topology.NameOf(i);
            _members.Add(new Member(name, _directory.Combine(name.Value), FreePort.Next(), _logging, new Random(_chance.Next())));
        }

        foreach ((int from, int to) in topology.Links)
        {
            _proxies[(from, to)] = CuttingProxy.Start(_members[to].LinkPort);
        }
    }

    public int Events => _written;

    public double CopiesPerEntry { get; private set; }

    public async Task PlayAsync(int steps)
    {
        for (int i = 0; i < _members.Count; i++)
        {
            await StartAsync(i);
        }

        for (int step = 0; step < steps; step++)
        {
            await StepAsync();
        }
    }

    /// <summary>All links and clusters come back, and everything must have arrived everywhere it can.</summary>
    public async Task ConvergeAsync()
    {
        foreach (CuttingProxy proxy in _proxies.Values)
        {
            proxy.Restore();
        }

        for (int i = 0; i < _members.Count; i++)
        {
            if (!_members[i].IsUp)
            {
                await StartAsync(i);
            }
        }

        string? difference = "nothing was compared";
        await Eventually.TrueAsync(async ValueTask<bool> () =>
        {
            difference = await DifferenceAsync();
            return difference is null;
        }, "all clusters agree", TimeSpan.FromSeconds(60), () => difference ?? "no difference");
    }

    public async Task JudgeAsync()
    {
        Assert.Null(await DifferenceAsync());
        long offered = 0, kept = 0;
        foreach (Member member in _members)
        {
            Assert.Empty(member.Seen.Violations);
            offered += member.Seen.EntriesOffered;
            await JudgeEventsAsync(member);
        }

        for (int i = 0; i < _members.Count; i++)
        {
            kept += _members[i].Container.Lanes().Where(l => l.Lane.Origin.Cluster != _members[i].Name).Sum(l =>
                l.NextEntry - l.FirstEntry);
        }

        CopiesPerEntry = kept == 0 ? 0 : (double)offered / kept;
        _logging.Logs.AssertNoErrors();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Member member in _members)
        {
            await member.DisposeAsync();
        }

        foreach (CuttingProxy proxy in _proxies.Values)
        {
            await proxy.DisposeAsync();
        }

        _directory.Dispose();
    }

    private async Task StepAsync()
    {
        int at = _chance.Next(_members.Count);
        switch (_chance.Next(20))
        {
            case 0 when _members[at].IsUp && _members.Count(m => m.IsUp) > _members.Count / 2:
                await _members[at].StopAsync();
                break;
            case 1 or 2 when !_members[at].IsUp:
                await StartAsync(at);
                break;
            case 3 or 4:
                await CutAsync(_topology.Links[_chance.Next(_topology.Links.Count)]);
                break;
            case 5 or 6 or 7:
                _proxies[_topology.Links[_chance.Next(_topology.Links.Count)]].Restore();
                break;
            case 8 when _members[at].IsUp:
                await CommitAsync(_members[at]);
                break;
            default:
                await WriteAsync(at);
                break;
        }
    }

    private async Task CutAsync((int From, int To) link)
    {
        if (_chance.Next(3) == 0)
        {
            _proxies[link].CutOneWay(_chance.Next(2) == 0 ? Direction.ToTarget : Direction.ToClient);
        }
        else
        {
            await _proxies[link].CutAsync(_chance.Next(2) == 0 ? CutStyle.Reset : CutStyle.Close);
        }
    }

    private async Task WriteAsync(int at)
    {
        Member member = _members[at];
        if (!member.IsUp)
        {
            return;
        }

        List<Task> writes = [];
        for (int n = 1 + _chance.Next(20); n > 0; n--)
        {
            int number = ++_written;
            PartitionId partition = new(_chance.Next(3));
            PlainEvent plain = new(Encoding.UTF8.GetBytes($"car-{_chance.Next(5)}/t"), default, default,
                Encoding.UTF8.GetBytes($"e{number}"), number);
            writes.Add(member.Container.AppendPlainAsync(new StreamPartition(Fleet, partition), plain, CancellationToken.None).AsTask());
        }

        await Task.WhenAll(writes);
    }

    private async Task CommitAsync(Member member)
    {
        StreamPartition partition = new(Fleet, new PartitionId(_chance.Next(3)));
        Cursor cursor = Cursor.Start;
        foreach (LaneStatus lane in member.Container.Lanes(partition))
        {
            cursor = cursor.With(lane.Lane.Origin, new Offset(_chance.NextInt64(lane.NextOffset.Value + 1)));
        }

        await member.Container.CommitAsync(Consumers[_chance.Next(Consumers.Length)], partition, cursor, CancellationToken.None);
    }

    private async Task StartAsync(int at)
    {
        List<LinkTarget> targets = [];
        foreach ((int from, int to) in _topology.Links)
        {
            if (from == at)
            {
                targets.Add(new LinkTarget(Topology.NameOf(to), "127.0.0.1", _proxies[(from, to)].Port));
            }
        }

        await _members[at].StartAsync(targets);
    }

    /// <summary>What differs between a cluster and one whose lanes reach it, or <see langword="null"/>.</summary>
    private async Task<string?> DifferenceAsync()
    {
        SortedDictionary<string, List<string>>[] lanes = new SortedDictionary<string, List<string>>[_members.Count];
        for (int i = 0; i < _members.Count; i++)
        {
            lanes[i] = await _members[i].LanesAsync();
        }

        for (int to = 0; to < _members.Count; to++)
        {
            foreach (int from in _topology.Into(to))
            {
                foreach ((string lane, List<string> entries) in lanes[from])
                {
                    if (!lanes[to].TryGetValue(lane, out List<string>? copy) || !copy.SequenceEqual(entries))
                    {
                        return $"{lane}: {entries.Count} entries at {_members[from].Name}, {copy?.Count ?? 0} at {_members[to].Name}";
                    }
                }

                if (CursorDifference(_members[from], _members[to]) is { } difference)
                {
                    return difference;
                }
            }
        }

        return null;
    }

    private static string? CursorDifference(Member from, Member to)
    {
        foreach (ConsumerName consumer in Consumers)
        {
            for (int p = 0; p < 3; p++)
            {
                StreamPartition partition = new(Fleet, new PartitionId(p));
                Cursor there = to.Container.Cursor(consumer, partition);
                if (!Cursor.Join(there, from.Container.Cursor(consumer, partition)).Equals(there))
                {
                    return $"cursor {consumer} of {partition} at {to.Name} is behind {from.Name}";
                }
            }
        }

        return null;
    }

    private async Task JudgeEventsAsync(Member member)
    {
        HashSet<string> seen = [];
        foreach (LaneStatus status in member.Container.Lanes())
        {
            Offset next = default;
            for (EntryNumber at = status.FirstEntry; at < status.NextEntry;)
            {
                using LaneSlice slice = await member.Container.ReadAsync(status.Lane, at, 1 << 20, CancellationToken.None);
                foreach (LaneEntry entry in slice.Entries)
                {
                    Assert.Equal(status.Lane.Origin, entry.Path.Hops[0]);
                    Assert.Equal(member.Name, entry.Path.Hops[^1].Cluster);
                    at = entry.Number + 1;
                    if (entry.Kind == EntryKind.Events)
                    {
                        Assert.Equal(next, entry.BaseOffset);
                        next = entry.NextOffset;
                        foreach (EventView view in EventBatch.Parse(entry.Body).Events)
                        {
                            string payload = Encoding.UTF8.GetString(view.Payload.Span);
                            Assert.True(seen.Add(payload), $"{payload} stands twice at {member.Name}");
                        }
                    }
                }
            }
        }
    }
}
