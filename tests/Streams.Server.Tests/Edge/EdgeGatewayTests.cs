using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Gateways;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Server.Tests;

/// <summary>What a gateway with limits and rules of its own sees of its clients over TLS and WebSocket.</summary>
public sealed class EdgeGatewayTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private readonly EdgeFiles _files = new();
    private readonly CollectingLoggerProvider _log = new();
    private readonly Rules _rules = new();
    private RunningHost _host = null!;
    private TlsKeeper _tls = null!;
    private MqttGateway _gateway = null!;

    public async Task InitializeAsync()
    {
        _host = await RunningHost.StartAsync(RunningHost.OptionsIn(_directory));
        _tls = TlsKeeper.Open(_files.Asking(ClientCertificates.Optional), TimeProvider.System, NullLogger.Instance);
    }

    public async Task DisposeAsync()
    {
        _gateway.Dispose();
        await _tls.DisposeAsync();
        await _host.DisposeAsync();
        _files.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task The_access_policy_is_told_whose_certificate_the_client_showed()
    {
        await using WebEndpoint tcp = await Endpoint(new MqttGatewayOptions()).ListenAsync("tls", Free, _tls, default);
        await using WebEndpoint ws = await Endpoint(new MqttGatewayOptions()).ListenWebSocketAsync("wss", Free, _tls, default);
        IssuedCertificate shown = _files.Authority.Issue("CN=car-17, O=Fleet", CertificateUse.Client);

        await using TlsPeer overTcp = await TlsPeer.ConnectAsync(tcp.Address, _files.Authority, shown, clientId: "tcp");
        await using WebSocketPeer overWs = await WebSocketPeer.ConnectAsync(ws.Address, "ws", tls: _files, shown: shown);
        await using TlsPeer nameless = await TlsPeer.ConnectAsync(tcp.Address, _files.Authority, clientId: "none");

        ClientCertificate? seen = _rules.Seen["tcp"];
        Assert.Equal(("CN=car-17, O=Fleet", "car-17", 64), (seen?.Subject, seen?.CommonName, seen?.Thumbprint.Length));
        Assert.Equal(seen, _rules.Seen["ws"]);
        Assert.Null(_rules.Seen["none"]);
    }

    [Fact]
    public async Task Connections_far_over_the_limit_do_not_come_as_far_as_the_TLS_handshake()
    {
        MqttEndpoint endpoint = Endpoint(new MqttGatewayOptions { MaxConnections = 1 });
        await using WebEndpoint tls = await endpoint.ListenAsync("tls", Free, _tls, default);
        await using TlsPeer first = await TlsPeer.ConnectAsync(tls.Address, _files.Authority);
        List<TcpClient> silent = [];
        try
        {
            for (long i = 1; i < _gateway.MaxConnections; i++)
            {
                await ConnectAsync();
            }

            // One more than allowed, and one is closed: long before the handshake would have taken too long.
            await ConnectAsync();
            Task<int>[] ends = [.. silent.Select(static c => c.GetStream().ReadAsync(new byte[1]).AsTask())];
            Task<int> ended = await Task.WhenAny(ends).WaitAsync(TlsKeeper.HandshakeLimit / 2);
            Assert.True(ended.IsFaulted || await ended == 0);
            Assert.True(await first.PingAsync());
        }
        finally
        {
            silent.ForEach(static c => c.Dispose());
        }

        async Task ConnectAsync()
        {
            TcpClient client = new();
            silent.Add(client);
            await client.ConnectAsync(tls.Address);
        }
    }

    [Fact]
    public async Task Over_WebSocket_the_limit_of_connections_counts()
    {
        await using WebEndpoint ws = await Endpoint(new MqttGatewayOptions { MaxConnections = 1 })
            .ListenWebSocketAsync("ws", Free, null, default);
        await using WebSocketPeer first = await WebSocketPeer.ConnectAsync(ws.Address, "first");
        await using WebSocketPeer second = await WebSocketPeer.OpenAsync(ws.Address);

        await second.SendAsync(WebSocketPeer.Bytes(WebSocketPeer.Connect("second")));

        Assert.Equal(MqttReasonCode.ServerBusy, await second.EndAsync());
        await first.CloseAsync();
        await Eventually.EqualAsync(0, () => _gateway.Status.Connections, "both are gone");
        await using WebSocketPeer third = await WebSocketPeer.ConnectAsync(ws.Address, "third");
    }

    [Fact]
    public async Task Over_WebSocket_a_client_that_does_not_say_CONNECT_is_let_go()
    {
        await using WebEndpoint ws = await Endpoint(new MqttGatewayOptions { ConnectTimeout = TimeSpan.FromMilliseconds(200) })
            .ListenWebSocketAsync("ws", Free, null, default);
        await using WebSocketPeer silent = await WebSocketPeer.OpenAsync(ws.Address);

        Assert.Null(await silent.EndAsync());
        Assert.Equal(System.Net.WebSockets.WebSocketCloseStatus.NormalClosure, silent.CloseStatus);
    }

    [Fact]
    public async Task Over_WebSocket_a_client_that_breaks_its_keep_alive_is_disconnected()
    {
        await using WebEndpoint ws = await Endpoint(new MqttGatewayOptions()).ListenWebSocketAsync("ws", Free, null, default);
        await using WebSocketPeer peer = await WebSocketPeer.OpenAsync(ws.Address);

        await peer.SendAsync(WebSocketPeer.Bytes(new MqttConnectPacket
        {
            Version = MqttVersion.V5, ClientId = "car-17", CleanStart = true, KeepAliveSeconds = 1,
        }));

        Assert.Equal(MqttReasonCode.KeepAliveTimeout, await peer.EndAsync());
    }

    private static ListenAddress Free => new(IPAddress.Loopback, 0);

    private MqttEndpoint Endpoint(MqttGatewayOptions options)
    {
        _gateway ??= new MqttGateway(
            _host.Host.Store, new NoLinks(), _rules, options, TimeProvider.System, new Random(1), _log.CreateLogger<MqttGateway>());
        return new MqttEndpoint(_gateway, TimeProvider.System, _log);
    }

    private sealed class NoLinks : ILaneHorizon
    {
        public bool Reaches(ClusterName origin) => false;

        public bool IsExhausted(LaneId lane) => true;
    }

    private sealed class Rules : IAccessPolicy
    {
        public ConcurrentDictionary<string, ClientCertificate?> Seen { get; } = new();

        public bool Allows(AccessSubject subject, AccessAction action, StreamPath stream, ReadOnlySpan<char> topic)
        {
            Seen[subject.ClientId] = subject.Certificate;
            return true;
        }
    }
}
