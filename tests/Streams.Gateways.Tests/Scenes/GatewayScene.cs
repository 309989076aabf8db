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

    private readonly List<MqttGateway> _gateways = [];
    private MqttGatewayOptions _options = null!;
    private TimeProvider _time = null!;
    private IClientAuthentication? _clients;

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

    /// <summary>Rules in place of <see cref="Allowed"/> and <see cref="AllowedTo"/>.</summary>
    public IAccessPolicy? Rules { get; set; }

    public static async Task<GatewayScene> OpenAsync(string cluster = "sj", MqttGatewayOptions? options = null,
        TimeProvider? time = null, IClientAuthentication? clients = null)
    {
        GatewayScene scene = new()
        {
            _options = options ?? new MqttGatewayOptions(), _time = time ?? TimeProvider.System, _clients = clients,
        };
        await scene.StartAsync(cluster);
        return scene;
    }

    /// <summary>The process dies within so many writes, at once when no more come; another one starts on what is on the disk.</summary>
    public async Task CrashAsync(int writes, Random chance)
    {
        Store.DieWithin(writes, chance);
        await Gateway.DrainAsync(TimeSpan.FromSeconds(10));
        Gateway.Dispose();
        _gateways.Remove(Gateway);
        await Container.DisposeAsync();
        await StartAsync(Container.Origin.Cluster.Value);
    }

    /// <summary>The process is killed and another begins on the same data: the gateway knows nothing but the log. What the old one does
    /// from now on the store refuses.</summary>
    public void KillAndRestart()
    {
        Store.Cut();
        Store = new ContainerStore(Container);
        Begin();
    }

    private async Task StartAsync(string cluster)
    {
        Container = await Container.OpenAsync(
            new ContainerOptions { Directory = _directory.FullName, SegmentBytes = 4 << 20, AllocationBytes = 64 << 10 },
            TimeProvider.System, new Random(cluster[0] + (1000 * ++_starts)), _loggers.CreateLogger("store"), default);
        await Container.StartWritingAsync(new Origin(ClusterName.Parse(cluster), new Incarnation(1)), default);
        Store = new ContainerStore(Container);
        Begin();
    }

    /// <summary>A connection that has said nothing yet.</summary>
    public MqttPeer Dial(MqttVersion version = MqttVersion.V5, PipeOptions? toPeer = null,
        string listener = "", ClientCertificate? certificate = null)
    {
        Pipe up = new(new PipeOptions(pauseWriterThreshold: 1 << 20, resumeWriterThreshold: 1 << 19, useSynchronizationContext: false));
        Pipe down = new(toPeer
            ?? new PipeOptions(pauseWriterThreshold: 1 << 20, resumeWriterThreshold: 1 << 19, useSynchronizationContext: false));
        Task served = Gateway.ServeAsync(new Ends(up.Reader, down.Writer), new ClientOrigin($"peer-{_peers.Count}", certificate, listener),
            _stop.Token);
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

    private void Begin()
    {
        Gateway = new MqttGateway(Store, this, this, _options, _time, new Random(2 + _gateways.Count),
            _loggers.CreateLogger<MqttGateway>(), _clients);
        _gateways.Add(Gateway);
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DrainAsync(TimeSpan.FromSeconds(10));
        foreach (MqttPeer peer in _peers)
        {
            await peer.DisposeAsync();
        }

        await Task.WhenAll(_peers.Select(p => p.Served));
        _gateways.ForEach(static g => g.Dispose());
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
        Rules?.Allows(subject, action, stream, topic)
        ?? (Allowed(action, stream, topic.ToString()) && AllowedTo(subject.ClientId, action, topic.ToString()));

    private sealed class Ends(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input { get; } = input;

        public PipeWriter Output { get; } = output;
    }
}
