using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Streams.Core;
using Streams.Testing;

namespace Streams.Geo.Tests;

/// <summary>A cluster as far as links go: a small store and the service, over real TCP on loopback.</summary>
internal sealed class GeoCluster : IAsyncDisposable
{
    private static ulong _clock = 1_000_000;

    public GeoCluster(string name, MemoryLaneStore? store = null)
    {
        Store = store ?? new MemoryLaneStore(name, Tick);
        Options = new GeoOptions
        {
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            FirstPause = TimeSpan.FromMilliseconds(5),
            LongestPause = TimeSpan.FromMilliseconds(50),
            PingInterval = TimeSpan.FromMilliseconds(200),
            SilenceLimit = TimeSpan.FromSeconds(5),
            StartGrace = TimeSpan.Zero,
        };
    }

    public MemoryLaneStore Store { get; }

    public GeoOptions Options { get; set; }

    public GeoService Service { get; private set; } = null!;

    public CollectedLogs Logs { get; } = new();

    public HorizonMemory Saved { get; private set; } = HorizonMemory.Empty;

    public int Port => Service.Endpoint!.Port;

    public LinkStatus Outgoing => Service.Status.Outgoing.Single();

    public static ulong Tick() => Interlocked.Increment(ref _clock);

    public static LinkTarget Target(string name, int port) => new(ClusterName.Parse(name), "127.0.0.1", port);

    /// <summary>A target that lets a client talk to it frame by frame.</summary>
    public static async Task<Socket> DialAsync(int port)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return socket;
    }

    public GeoCluster Make(params LinkTarget[] targets)
    {
        Options = Options with { Targets = targets };
        Service = new GeoService(Store, Options, Saved, memory =>
            Saved = memory, new CollectingLogger<GeoService>(Logs), TimeProvider.System, new Random(1));
        return this;
    }

    public async Task<GeoCluster> StartAsync(params LinkTarget[] targets)
    {
        await Make(targets).Service.StartAsync(default);
        return this;
    }

    public void Write(int count, int partition = 0, int bytes = 0, string tag = "event")
    {
        for (var i = 0; i < count; i++)
        {
            Store.Append(partition, $"{tag} {i} of {Store.Origin}", bytes: bytes);
        }

        Store.Flush();
    }

    /// <summary>Waits until the other one holds all lanes of this one, entry for entry.</summary>
    public Task ReachesAsync(GeoCluster other) => Eventually.TrueAsync(
        () => Store.Lanes().All(lane => other.Store.Lane(lane.Lane)?.NextEntry >= lane.NextEntry && Same(lane.Lane, other)),
        $"{other.Store.Origin.Cluster} holds what {Store.Origin.Cluster} holds",
        seen: () => string.Join('\n', Store.Lanes().Select(l => $"{l.Lane}: {l.NextEntry} against {other.Store.Lane(l.Lane)?.NextEntry}"))
            + "\n" + string.Join('\n', Service.Status.Outgoing));

    public ValueTask DisposeAsync() => Service is null ? ValueTask.CompletedTask : Service.DisposeAsync();

    private bool Same(LaneId lane, GeoCluster other)
    {
        var (mine, its) = (Store.Content(lane), other.Store.Content(lane));
        return mine.All(entry => !its.TryGetValue(entry.Key, out var text) || text == entry.Value);
    }
}
