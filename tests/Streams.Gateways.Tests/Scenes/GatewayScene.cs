using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using Streams.Core;
using Streams.Mqtt;
using Streams.Storage;
using Streams.Testing;

namespace Streams.Gateways.Tests;

/// <summary>One cluster as clients see it: a gateway over a container on disk, and peers that speak the wire over pipes.</summary>
internal sealed class GatewayScene : IAsyncDisposable, ILaneHorizon, IAccessPolicy
{
    private readonly TemporaryDirectory _directory = new();
    private readonly List<MqttPeer> _peers = [];
    private readonly ILoggerFactory _loggers;
    private readonly CancellationTokenSource _stop = new();
    private int _starts;
    private TimeProvider _time = TimeProvider.System;

    private GatewayScene()
    {
        CollectingLoggerProvider provider = new();
        Logs = provider.Logs;
        _loggers = LoggerFactory.Create(b => b.AddProvider(provider).SetMinimumLevel(LogLevel.Debug));
    }

    public CollectedLogs Logs { get; }

    public Container Container { get; private set; } = null!;

    public ContainerStore Store { get; private set; } = null!;

    public MqttGateway Gateway { get; private set; } = null!;

    public HashSet<string> Unreachable { get; } = [];

    public HashSet<LaneId> Exhausted { get; } = [];

    public Func<AccessAction, StreamPath, string, bool> Allowed { get; set; } = static (_, _, _) => true;

    public Func<string, AccessAction, string, bool> AllowedTo { get; set; } = static (_, _, _) => true;

    public static async Task<GatewayScene> OpenAsync(string cluster = "sj", MqttGatewayOptions? options = null,
        TimeProvider? time = null)
    {
        GatewayScene scene = new();
        scene._time = time ?? TimeProvider.System;
        await scene.StartAsync(cluster, options);
        return scene;
    }

    /// <summary>The process dies within so many writes, at once when no more come; another one starts on what is on the disk.</summary>
    public async Task CrashAsync(int writes, Random chance)
    {
        Store.DieWithin(writes, chance);
        await Gateway.DrainAsync(TimeSpan.FromSeconds(10));
        Gateway.Dispose();
        await Container.DisposeAsync();
        await StartAsync(Container.Origin.Cluster.Value, null);
    }

    private async Task StartAsync(string cluster, MqttGatewayOptions? options)
    {
        Container = await Container.OpenAsync(
            new ContainerOptions { Directory = _directory.FullName, SegmentBytes = 4 << 20, AllocationBytes = 64 << 10 },
            TimeProvider.System, new Random(cluster[0] + (1000 * ++_starts)), _loggers.CreateLogger("store"), default);
        await Container.StartWritingAsync(new Origin(ClusterName.Parse(cluster), new Incarnation(1)), default);
        Store = new ContainerStore(Container);
        Gateway = new MqttGateway(Store, this, this, options ?? new MqttGatewayOptions(), _time, new Random(2),
            _loggers.CreateLogger<MqttGateway>());
    }

    /// <summary>A connection that has said nothing yet.</summary>
    public MqttPeer Dial(MqttVersion version = MqttVersion.V5, PipeOptions? toPeer = null)
    {
        Pipe up = new(new PipeOptions(pauseWriterThreshold: 1 << 20, resumeWriterThreshold: 1 << 19, useSynchronizationContext: false));
        Pipe down = new(toPeer
            ?? new PipeOptions(pauseWriterThreshold: 1 << 20, resumeWriterThreshold: 1 << 19, useSynchronizationContext: false));
        Task served = Gateway.ServeAsync(new Ends(up.Reader, down.Writer), $"peer-{_peers.Count}", _stop.Token);
        MqttPeer peer = new(new Ends(down.Reader, up.Writer), version, served);
        lock (_peers)
        {
            _peers.Add(peer);
        }

        return peer;
    }

    /// <summary>A connected client.</summary>
    public async Task<MqttPeer> ConnectAsync(string clientId, bool cleanStart = true, uint expiry = 0, MqttVersion version =
        MqttVersion.V5, ushort? receiveMaximum = null, PipeOptions? toPeer = null)
    {
        MqttPeer peer = Dial(version, toPeer);
        await peer.ConnectAsync(clientId, cleanStart, expiry, receiveMaximum);
        return peer;
    }

    /// <summary>Copies all lanes of another cluster here, as links would; state that is no lane entry is not copied.</summary>
    public async Task CopyFromAsync(GatewayScene other)
    {
        foreach (LaneStatus status in other.Container.Lanes())
        {
            EntryNumber next = Container.Lane(status.Lane)?.NextEntry ?? status.FirstEntry;
            while (next < status.NextEntry)
            {
                using LaneSlice slice = await other.Container.ReadAsync(status.Lane, next, 64 << 10, default);
                IngestResult result = await Container.IngestAsync(status.Lane, slice.Entries, default);
                Assert.Equal(IngestOutcome.Taken, result.Outcome);
                next = result.Next;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DrainAsync(TimeSpan.FromSeconds(10));
        foreach (MqttPeer peer in _peers)
        {
            await peer.DisposeAsync();
        }

        await Task.WhenAll(_peers.Select(p => p.Served));
        Gateway.Dispose();
        await Container.DisposeAsync();
        _stop.Dispose();
        _loggers.Dispose();
        _directory.Dispose();
        Logs.AssertNoErrors();
    }

    public bool Reaches(ClusterName origin) => !Unreachable.Contains(origin.Value);

    public bool IsExhausted(LaneId lane)
    {
        lock (Exhausted)
        {
            return Exhausted.Contains(lane);
        }
    }

    public bool Allows(AccessSubject subject, AccessAction action, StreamPath stream, ReadOnlySpan<char> topic) =>
        Allowed(action, stream, topic.ToString()) && AllowedTo(subject.ClientId, action, topic.ToString());

    private sealed class Ends(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input { get; } = input;

        public PipeWriter Output { get; } = output;
    }
}
