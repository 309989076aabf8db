using System.Buffers;
using System.Net;
using System.Net.WebSockets;
using System.Text;
using Streams.Gateways;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Server.Tests;

public sealed class WebSocketTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private readonly EdgeFiles _files = new();
    private RunningHost _host = null!;

    public async Task InitializeAsync() => _host = await RunningHost.StartAsync(RunningHost.OptionsIn(_directory) with
    {
        MqttWs = new ListenAddress(IPAddress.Loopback, 0),
        MqttWss = new ListenAddress(IPAddress.Loopback, 0),
        Tls = _files.Asking(ClientCertificates.Optional),
    });

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        _files.Dispose();
        _directory.Dispose();
    }

    private IPEndPoint Ws => _host.Host.MqttWs!;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_device_publishes_and_is_given_over_WebSocket_in_the_clear_and_over_TLS(bool secure)
    {
        await using WebSocketPeer peer = await WebSocketPeer.ConnectAsync(
            secure ? _host.Host.MqttWss! : Ws, "car-17", tls: secure ? _files : null);

        Assert.Equal("mqtt", peer.Protocol);
        await PublishAndReceiveAsync(peer, Encoding.UTF8.GetBytes("hello"));
    }

    [Fact]
    public async Task Over_TLS_a_bad_client_certificate_is_refused()
    {
        IssuedCertificate good = _files.Authority.Issue("CN=car-17", CertificateUse.Client);
        await using WebSocketPeer peer = await WebSocketPeer.ConnectAsync(_host.Host.MqttWss!, "car-17", tls: _files, shown: good);

        IssuedCertificate bad = _files.Stranger.Issue("CN=car-17", CertificateUse.Client);
        await Assert.ThrowsAsync<WebSocketException>(() => WebSocketPeer.OpenAsync(_host.Host.MqttWss!, _files, bad));
    }

    [Theory]
    [InlineData("mqtt", "/mqtt", 101)]
    [InlineData("other, mqtt", "/mqtt", 101)]
    [InlineData(null, "/mqtt", 400)]
    [InlineData("mqttv3.1", "/mqtt", 400)]
    [InlineData("MQTT", "/mqtt", 400)]
    [InlineData("mqtt", "/", 404)]
    [InlineData("mqtt", "/mqtt/more", 404)]
    public async Task Only_the_subprotocol_and_the_path_of_MQTT_are_served(string? protocol, string path, int status)
    {
        (RawWebSocket peer, string head) = await RawWebSocket.AskAsync(Ws, RawWebSocket.Upgrade(Ws, protocol, path));
        using RawWebSocket owned = peer;

        Assert.StartsWith($"HTTP/1.1 {status} ", head, StringComparison.Ordinal);
        Assert.Equal(status == 101, head.Contains("Sec-WebSocket-Protocol: mqtt\r\n", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task A_request_that_is_no_WebSocket_is_told_what_is_spoken_here()
    {
        using HttpClient http = new();
        using HttpResponseMessage answer = await http.GetAsync(new Uri($"http://{Ws}/mqtt"));

        Assert.Equal(HttpStatusCode.UpgradeRequired, answer.StatusCode);
        Assert.Equal("websocket", answer.Headers.Upgrade.ToString());
    }

    [Fact]
    public async Task A_packet_may_span_frames_and_messages()
    {
        await using WebSocketPeer peer = await WebSocketPeer.OpenAsync(Ws);
        byte[] connect = WebSocketPeer.Bytes(WebSocketPeer.Connect("car-17"));
        foreach (byte single in connect[..^4])
        {
            await peer.SendAsync([single]);
        }

        await peer.SendAsync([]);
        await peer.SendAsync(connect[^4..^2], last: false);
        await peer.SendAsync([], last: false);
        await peer.SendAsync(connect[^2..]);

        Assert.IsType<MqttConnackPacket>(await peer.NextAsync());
    }

    [Fact]
    public async Task A_frame_may_hold_several_packets_and_a_part_of_the_next()
    {
        await using WebSocketPeer peer = await WebSocketPeer.OpenAsync(Ws);
        byte[] all = WebSocketPeer.Bytes(WebSocketPeer.Connect("car-17"), WebSocketPeer.Subscribe("fleet/#"),
            WebSocketPeer.Publish("fleet/a", "one"u8.ToArray()), WebSocketPeer.Publish("fleet/a", "two"u8.ToArray(), 2));
        await peer.SendAsync(all[..^3]);
        await peer.SendAsync(all[^3..]);

        Assert.Equal("fleet/a=one", await peer.MessageAsync());
        Assert.Equal("fleet/a=two", await peer.MessageAsync());
    }

    [Fact]
    public async Task A_message_far_larger_than_any_buffer_passes_both_ways()
    {
        await using WebSocketPeer peer = await WebSocketPeer.ConnectAsync(Ws, "car-17");
        byte[] payload = new byte[900_000];
        new Random(1).NextBytes(payload);
        payload = Encoding.ASCII.GetBytes(Convert.ToBase64String(payload))[..1_000_000];

        await PublishAndReceiveAsync(peer, payload);
    }

    [Fact]
    public async Task A_text_frame_is_answered_with_1003_and_the_end_of_the_network_connection()
    {
        using RawWebSocket raw = await RawWebSocket.OpenAsync(Ws);
        await raw.SendAsync(Frame(0x81, WebSocketPeer.Bytes(WebSocketPeer.Connect("car-17"))));

        byte[] answer = await raw.ReadToEndAsync();

        Assert.Equal(0x88, answer[0]);
        Assert.Equal((int)WebSocketCloseStatus.InvalidMessageType, answer[2] << 8 | answer[3]);
    }

    [Fact]
    public async Task A_text_frame_in_the_middle_of_a_session_ends_it_as_a_lost_connection_does()
    {
        await using WebSocketPeer witness = await WitnessAsync();
        await using WebSocketPeer peer = await WebSocketPeer.ConnectAsync(Ws, "car-17", Will());

        await peer.SendAsync("text"u8.ToArray(), type: WebSocketMessageType.Text);

        Assert.Null(await peer.EndAsync());
        Assert.Equal(WebSocketCloseStatus.InvalidMessageType, peer.CloseStatus);
        Assert.Equal("fleet/gone=car-17", await witness.MessageAsync());
    }

    [Fact]
    public async Task A_close_frame_without_DISCONNECT_is_answered_and_leaves_the_will()
    {
        await using WebSocketPeer witness = await WitnessAsync();
        await using WebSocketPeer peer = await WebSocketPeer.ConnectAsync(Ws, "car-17", Will());

        await peer.CloseAsync();

        Assert.Equal(WebSocketCloseStatus.NormalClosure, peer.CloseStatus);
        Assert.Equal("fleet/gone=car-17", await witness.MessageAsync());
    }

    [Fact]
    public async Task After_DISCONNECT_there_is_no_will()
    {
        await using WebSocketPeer witness = await WitnessAsync();
        await using WebSocketPeer peer = await WebSocketPeer.ConnectAsync(Ws, "car-17", Will());

        await peer.SendAsync(WebSocketPeer.Bytes(WebSocketPeer.Publish("fleet/last", "bye"u8.ToArray()), new MqttDisconnectPacket()));

        await peer.EndAsync();
        Assert.Equal(WebSocketCloseStatus.NormalClosure, peer.CloseStatus);
        Assert.Equal("fleet/last=bye", await witness.MessageAsync());
        await PublishAndReceiveAsync(witness, "next"u8.ToArray());
    }

    [Fact]
    public async Task Garbage_in_frames_ends_its_own_connection_only()
    {
        await using WebSocketPeer bystander = await WebSocketPeer.ConnectAsync(Ws, "bystander");
        Random chance = new(7);
        for (int i = 0; i < 50; i++)
        {
            await using WebSocketPeer peer = await WebSocketPeer.OpenAsync(Ws);
            byte[] garbage = new byte[chance.Next(1, 200)];
            chance.NextBytes(garbage);
            garbage[0] = (byte)(chance.Next(2, 16) << 4 | garbage[0] & 15);     // no CONNECT, which would be waited for
            await peer.SendAsync(garbage);
            await peer.SendAsync(new byte[200]);
            await peer.EndAsync();
        }

        await PublishAndReceiveAsync(bystander, "still here"u8.ToArray());
    }

    public static TheoryData<byte[]> BrokenFrames => new()
    {
        new byte[] { 0x82, 0x01, 0x10 },                                            // not masked
        new byte[] { 0x83, 0x80, 0, 0, 0, 0 },                                      // a reserved opcode
        new byte[] { 0xF2, 0x80, 0, 0, 0, 0 },                                      // reserved bits
        new byte[] { 0x80, 0x80, 0, 0, 0, 0 },                                      // goes on with nothing
        new byte[] { 0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 },           // a negative length
    };

    [Theory]
    [MemberData(nameof(BrokenFrames))]
    public async Task A_broken_frame_ends_its_own_connection_only(byte[] frame)
    {
        await using WebSocketPeer bystander = await WebSocketPeer.ConnectAsync(Ws, "bystander");
        using RawWebSocket raw = await RawWebSocket.OpenAsync(Ws);

        await raw.SendAsync(frame);
        await raw.ReadToEndAsync();

        await PublishAndReceiveAsync(bystander, "still here"u8.ToArray());
    }

    [Fact]
    public async Task A_ping_frame_is_answered_also_in_the_middle_of_a_packet()
    {
        using RawWebSocket raw = await RawWebSocket.OpenAsync(Ws);
        byte[] connect = WebSocketPeer.Bytes(WebSocketPeer.Connect("car-17"));
        await raw.SendAsync(Frame(0x02, connect[..5]));
        await raw.SendAsync(Frame(0x89, "beat"u8.ToArray()));

        Assert.Equal([0x8A, 4, .. "beat"u8], await raw.ReadAsync(6));

        await raw.SendAsync(Frame(0x80, connect[5..]));
        byte[] connack = await raw.ReadAsync(3);
        Assert.Equal((0x82, 0x20), (connack[0], connack[2]));
    }

    [Fact]
    public async Task A_server_that_stops_says_so_in_MQTT_and_with_a_close_frame()
    {
        await using WebSocketPeer peer = await WebSocketPeer.ConnectAsync(Ws, "car-17");

        Task stop = _host.Host.StopAsync("test", TimeSpan.FromSeconds(10));

        Assert.Equal(MqttReasonCode.ServerShuttingDown, await peer.EndAsync());
        Assert.Equal(WebSocketCloseStatus.NormalClosure, peer.CloseStatus);
        await stop;
    }

    [Fact]
    public async Task A_device_that_stops_reading_is_not_cut_off_and_is_given_everything_later()
    {
        await using WebSocketPeer reader = await WebSocketPeer.ConnectAsync(Ws, "reader");
        await reader.SendAsync(WebSocketPeer.Bytes(WebSocketPeer.Subscribe("fleet/#")));
        Assert.IsType<MqttSubackPacket>(await reader.NextAsync());
        await using WebSocketPeer writer = await WebSocketPeer.ConnectAsync(Ws, "writer");
        string filling = new('x', 200_000);
        for (ushort i = 1; i <= 100; i++)
        {
            await writer.SendAsync(WebSocketPeer.Bytes(WebSocketPeer.Publish("fleet/a", Encoding.ASCII.GetBytes($"{i} {filling}"), i)));
            Assert.IsType<MqttPubackPacket>(await writer.NextAsync());
        }

        for (int i = 1; i <= 100; i++)
        {
            Assert.StartsWith($"fleet/a={i} x", await reader.MessageAsync(), StringComparison.Ordinal);
        }
    }

    private static MqttWill Will() => new() { Topic = "fleet/gone", Payload = "car-17"u8.ToArray(), Qos = MqttQos.AtLeastOnce };

    // A frame as a client sends it, masked with zeros.
    private static byte[] Frame(byte head, byte[] content) => [head, (byte)(0x80 | content.Length), 0, 0, 0, 0, .. content];

    private async Task<WebSocketPeer> WitnessAsync()
    {
        WebSocketPeer witness = await WebSocketPeer.ConnectAsync(Ws, "witness");
        await witness.SendAsync(WebSocketPeer.Bytes(WebSocketPeer.Subscribe("fleet/#")));
        Assert.IsType<MqttSubackPacket>(await witness.NextAsync());
        return witness;
    }

    private static async Task PublishAndReceiveAsync(WebSocketPeer peer, byte[] payload)
    {
        await peer.SendAsync(WebSocketPeer.Bytes(WebSocketPeer.Subscribe("fleet/#")));
        await peer.SendAsync(WebSocketPeer.Bytes(WebSocketPeer.Publish("fleet/a", payload)));

        Assert.Equal("fleet/a=" + Encoding.UTF8.GetString(payload), await peer.MessageAsync());
    }
}
