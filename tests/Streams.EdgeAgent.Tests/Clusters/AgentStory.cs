using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Client;
using Streams.Core;
using Streams.Testing;

namespace Streams.EdgeAgent.Tests;

/// <summary>A real cluster or two, an agent's store and its side towards them.</summary>
internal sealed class AgentStory : IAsyncDisposable
{
    private static int _stories;

    private readonly TemporaryDirectory _folder = new();
    private readonly List<IAsyncDisposable> _open = [];
    private readonly int _number = Interlocked.Increment(ref _stories);
    private bool _isShared;

    /// <summary>What goes up.</summary>
    public StreamPath Fleet => StreamPath.Parse($"/fleet-{_number}");

    /// <summary>What comes down.</summary>
    public StreamPath Orders => StreamPath.Parse($"/orders-{_number}");

    /// <summary>The downlink of all of <see cref="Orders"/>.</summary>
    public DownlinkStream AllOrders => new(Orders, ConsumerName.Parse($"agent/line-4-{_number}"));

    public CollectingLogger Logger { get; } = new();

    public List<ServerProcess> Clusters { get; } = [];

    /// <summary>What the agent's line to the first cluster goes through.</summary>
    public CuttingProxy? Line { get; private set; }

    public LocalStore Store { get; private set; } = null!;

    public ClusterSide Side { get; private set; } = null!;

    /// <summary>A story at a cluster that others use too: it is not killed.</summary>
    public static AgentStory At(ServerProcess cluster)
    {
        AgentStory story = new() { _isShared = true };
        story.Clusters.Add(cluster);
        return story;
    }

    public static async Task<AgentStory> StartAsync(int clusters = 1)
    {
        AgentStory story = new();
        ServerProcessOptions[] options = [.. Enumerable.Range(0, clusters).Select(i => new ServerProcessOptions
        {
            ClusterName = i == 0 ? "sj" : "ny",
            DataDirectory = story._folder.Combine($"cluster-{i}"),
        })];
        for (int i = 0; i < clusters; i++)
        {
            options[i] = options[i] with
            {
                LinksTo = [.. options.Where((_, n) => n != i).Select(o => new ServerLink(o.ClusterName, "127.0.0.1", o.LinkPort))],
            };
        }

        story.Clusters.AddRange(await Task.WhenAll(options.Select(o => ServerProcess.StartHealthyAsync(o))));
        return story;
    }

    /// <summary>The folder of a box.</summary>
    public string FolderOf(string box) => _folder.Combine(box);

    /// <summary>Opens the agent's store, a new one for another box.</summary>
    public void OpenStore(string box = "box-1", Func<LocalStoreOptions, LocalStoreOptions>? change = null, TimeProvider? time = null)
    {
        LocalStoreOptions options = new(_folder.Combine(box, "agent.db"), ClusterName.Parse("line-4"))
        {
            GoesUp = s => s == Fleet,
        };
        Store = LocalStore.Open(change?.Invoke(options) ?? options, time ?? TimeProvider.System, new Random(), Logger);
    }

    /// <summary>Connects to the clusters, to the first through <see cref="Line"/> where there is one.</summary>
    public void Connect(params DownlinkStream[] downlinks) => Side = new ClusterSide(new ClusterSideOptions
    {
        Name = $"line-4-{_number}",
        Clusters = [.. Clusters.Select((c, i) => new ClusterEndpoint(ClusterName.Parse(c.Options.ClusterName), "127.0.0.1",
            i == 0 && Line is { } line ? line.Port : c.Options.MqttPort))],
        Downlinks = downlinks,
        ConnectBackoff = (TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(200)),
        FailBackAfter = Timeout.InfiniteTimeSpan,
        AnswerTimeout = TimeSpan.FromSeconds(5),
    }, Store, TimeProvider.System, new Random(), Logger);

    /// <summary>A back end at a cluster.</summary>
    public async Task<StreamsClient> BackEndAsync(int cluster = 0, string name = "back-end")
    {
        ServerProcess at = Clusters[cluster];
        StreamsClient client = await StreamsClient.OpenAsync(new StreamsClientOptions
        {
            Name = $"{name}-{_number}",
            OutboxPath = _folder.Combine(name, "outbox.db"),
            Clusters = [new ClusterEndpoint(ClusterName.Parse(at.Options.ClusterName), "127.0.0.1", at.Options.MqttPort)],
        }, NullLoggerFactory.Instance);
        _open.Add(client);
        return client;
    }

    /// <summary>Publishes, and waits until the cluster has it.</summary>
    public static async Task PublishAsync(StreamsClient client, StreamPath stream, string topic, params string[] payloads)
    {
        foreach (string payload in payloads)
        {
            await client.PublishAsync(stream, TopicName.Parse(topic), Encoding.UTF8.GetBytes(payload));
        }

        await Eventually.TrueAsync(() => client.OutboxEvents == 0, "the cluster has them");
    }

    /// <summary>Cuts the agent's line to the first cluster from now on, until it is restored.</summary>
    public CuttingProxy ThroughLine() => Line ??= CuttingProxy.Start(Clusters[0].Options.MqttPort);

    /// <summary>Copies the files of a box as they are at this moment to another, while the agent works: what is left when it is
    /// killed.</summary>
    public void CopyBox(string from, string to)
    {
        _folder.CreateDirectory(to);
        foreach (string file in (string[])["agent.db", "agent.db-wal"])
        {
            using FileStream source = new(_folder.Combine(from, file), FileMode.Open, FileAccess.Read,
                FileShare.ReadWrite | FileShare.Delete);
            using FileStream target = new(_folder.Combine(to, file), FileMode.CreateNew);
            source.CopyTo(target);
        }
    }

    /// <summary>Ends the agent.</summary>
    public async Task StopAsync()
    {
        await Side.DisposeAsync();
        await Store.DisposeAsync();
    }

    /// <summary>All events of a stream in the store, by lane and offset.</summary>
    public async Task<List<(LaneId Lane, long Offset, string Topic, string Payload)>> EventsAsync(StreamPath stream)
    {
        List<(LaneId, long, string, string)> events = [];
        for (int i = 0; i < (Store.Settings(stream)?.Partitions ?? 0); i++)
        {
            foreach (LaneStatus lane in Store.Lanes(new StreamPartition(stream, new PartitionId(i))))
            {
                for (Offset next = lane.FirstOffset; next < lane.NextOffset;)
                {
                    using LaneSlice slice = await Store.ReadAsync(lane.Lane, next, 1 << 20, default);
                    foreach (LaneEntry entry in slice.Entries)
                    {
                        foreach (EventView view in EventBatch.Parse(entry.Body).Events)
                        {
                            events.Add((lane.Lane, (entry.BaseOffset + view.Index).Value, Encoding.UTF8.GetString(view.Topic.Span),
                                Encoding.UTF8.GetString(view.Payload.Span)));
                        }
                    }

                    next = slice.Entries.Count == 0 ? lane.NextOffset : slice.Entries[^1].NextOffset;
                }
            }
        }

        return events;
    }

    public async Task<string[]> PayloadsAsync(StreamPath stream) => [.. (await EventsAsync(stream)).Select(e => e.Payload).Order()];

    public async ValueTask DisposeAsync()
    {
        if (Side is not null)
        {
            await Side.DisposeAsync();
        }

        if (Store is not null)
        {
            await Store.DisposeAsync();
        }

        foreach (IAsyncDisposable open in _open)
        {
            await open.DisposeAsync();
        }

        foreach (ServerProcess cluster in _isShared ? [] : Clusters)
        {
            await cluster.DisposeAsync();
        }

        if (Line is not null)
        {
            await Line.DisposeAsync();
        }

        _folder.Dispose();
    }
}
