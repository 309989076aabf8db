using System.Buffers;
using System.Net;
using System.Net.WebSockets;
using System.Text;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Server.Tests;

/// <summary>A device that speaks MQTT over WebSocket, frame by frame as the story says.</summary>
internal sealed class WebSocketPeer : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly ClientWebSocket _socket;
    private readonly MqttDecodeOptions _decode = new()
    {
        Role = MqttRole.Client, Version = MqttVersion.V5, MaximumPacketSize = 8 << 20,
    };

    private byte[] _received = [];

    private WebSocketPeer(ClientWebSocket socket)
    {
        _socket = socket;
    }

    public string? Protocol => _socket.SubProtocol;

    public WebSocketCloseStatus? CloseStatus => _socket.CloseStatus;

    /// <summary>Opens the socket and says nothing yet.</summary>
    public static async Task<WebSocketPeer> OpenAsync(IPEndPoint at, EdgeFiles? tls = null, IssuedCertificate? shown = null)
    {
        ClientWebSocket socket = new();
        socket.Options.AddSubProtocol("mqtt");
        if (tls is not null)
        {
            socket.Options.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                certificate!.Issuer == tls.Authority.Certificate.Subject;
        }

        if (shown is not null)
        {
            socket.Options.ClientCertificates.Add(shown.ToCertificate());
        }

        using CancellationTokenSource limit = new(Limit);
        try
        {
            await socket.ConnectAsync(new Uri($"{(tls is null ? "ws" : "wss")}://{at}/mqtt"), limit.Token);
            return new WebSocketPeer(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Opens the socket and connects as far as CONNACK.</summary>
    public static async Task<WebSocketPeer> ConnectAsync(IPEndPoint at, string clientId, MqttWill? will = null, EdgeFiles? tls = null,
        IssuedCertificate? shown = null)
    {
        WebSocketPeer peer = await OpenAsync(at, tls, shown);
        await peer.SendAsync(Bytes(Connect(clientId, will)));
        Assert.Equal(MqttReasonCode.Success, Assert.IsType<MqttConnackPacket>(await peer.NextAsync()).ReasonCode);
        return peer;
    }

    public static MqttConnectPacket Connect(string clientId, MqttWill? will = null) =>
        new() { Version = MqttVersion.V5, ClientId = clientId, CleanStart = true, Will = will };

    public static MqttPublishPacket Publish(string topic, byte[] payload, ushort id = 1) =>
        new() { Topic = topic, Payload = new ReadOnlySequence<byte>(payload), Qos = MqttQos.AtLeastOnce, PacketId = id };

    public static MqttSubscribePacket Subscribe(string filter) =>
        new() { PacketId = 100, Subscriptions = [new MqttSubscription(filter, MqttQos.AtLeastOnce)] };

    /// <summary>Packets as they stand on the wire, one behind the other.</summary>
    public static byte[] Bytes(params MqttPacket[] packets)
    {
        ArrayBufferWriter<byte> output = new();
        foreach (MqttPacket packet in packets)
        {
            MqttPacketWriter.Write(output, packet, MqttVersion.V5);
        }

        return output.WrittenSpan.ToArray();
    }

    /// <summary>Sends one frame; the message it belongs to goes on when <paramref name="last"/> is false.</summary>
    public Task SendAsync(byte[] frame, bool last = true, WebSocketMessageType type = WebSocketMessageType.Binary) =>
        _socket.SendAsync(frame, type, last, CancellationToken.None);

    /// <summary>The next packet; <see langword="null"/> at a close frame. A payload is copied.</summary>
    public async Task<MqttPacket?> NextAsync()
    {
        byte[] buffer = new byte[64 << 10];
        while (true)
        {
            ReadOnlySequence<byte> left = new(_received);
            if (MqttPacketReader.TryRead(ref left, _decode, out MqttPacket? packet))
            {
                _received = left.ToArray();
                return packet;
            }

            // Not cancelled at the limit: that would abort the socket under the test's hands.
            ValueWebSocketReceiveResult got =
                await _socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None).AsTask().WaitAsync(Limit);
            if (got.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            Assert.Equal(WebSocketMessageType.Binary, got.MessageType);
            _received = [.. _received, .. buffer.AsSpan(0, got.Count)];
        }
    }

    /// <summary>The next message as <c>topic=payload</c>; answers to what this device sent are passed over.</summary>
    public async Task<string> MessageAsync()
    {
        while (true)
        {
            MqttPacket? packet = await NextAsync();
            Assert.NotNull(packet);
            if (packet is MqttPublishPacket publish)
            {
                await SendAsync(Bytes(new MqttPubackPacket { PacketId = publish.PacketId }));
                return $"{publish.Topic}={Encoding.UTF8.GetString(publish.Payload)}";
            }
        }
    }

    /// <summary>Waits for the close frame and answers it; gives the DISCONNECT or CONNACK code that stood before it.</summary>
    public async Task<MqttReasonCode?> EndAsync()
    {
        MqttReasonCode? code = null;
        while (await NextAsync() is { } packet)
        {
            code = packet switch
            {
                MqttDisconnectPacket disconnect => disconnect.ReasonCode,
                MqttConnackPacket connack => connack.ReasonCode,
                _ => code,
            };
        }

        await CloseAsync();
        return code;
    }

    /// <summary>Sends a close frame, or answers one.</summary>
    public async Task CloseAsync()
    {
        using CancellationTokenSource limit = new(Limit);
        await _socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);
    }

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }
}
