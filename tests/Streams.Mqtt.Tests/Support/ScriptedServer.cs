using System.Buffers;

namespace Streams.Mqtt.Tests;

/// <summary>The other end of a client under test: reads and says packets, step by step, over the wire format.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly PipePair _pair;

    public ScriptedServer(MqttClientOptions? options = null, int pauseAt = 64 * 1024)
    {
        Options = options ?? new MqttClientOptions { ClientId = "c", KeepAlive = TimeSpan.Zero };
        _pair = new PipePair(pauseAt);
        Wire = new MqttConnection(_pair.Far, new MqttDecodeOptions { Role = MqttRole.Server });
    }

    public MqttClientOptions Options { get; }

    public ManualTime Time { get; } = new();

    /// <summary>The server's side of the connection.</summary>
    public MqttConnection Wire { get; }

    public MqttConnectPacket? Connect { get; private set; }

    public List<string> Handled { get; } = [];

    /// <summary>What the client does with messages; by default it notes them.</summary>
    public Func<MqttPublishPacket, ValueTask>? Handler { get; set; }

    public async Task<MqttClientConnection> Accept(MqttConnackPacket? connack = null)
    {
        Task<MqttClientConnection> connecting = Start();
        Connect = await Hear<MqttConnectPacket>();
        await Say(connack ?? new MqttConnackPacket());
        return await connecting.Soon();
    }

    public Task<MqttClientConnection> Start()
    {
        MqttConnection connection = new(_pair.Near, MqttClientConnection.DecodeOptions(Options));
        return MqttClientConnection.StartAsync(connection, Options, Handler ?? Note, Time);
    }

    public async Task<T> Hear<T>()
        where T : MqttPacket => Assert.IsType<T>(await Wire.ReadAsync().Soon());

    public Task Say(MqttPacket packet) => Wire.WriteAsync(packet).Soon();

    public async Task SayRaw(string hex) => await _pair.Far.Output.WriteAsync(Tests.Wire.Bytes(hex));

    public async Task HearEnd() => Assert.Null(await Wire.ReadAsync().Soon());

    public static MqttPublishPacket Message(string topic, MqttQos qos = MqttQos.AtMostOnce, ushort id = 0, string payload = "") => new()
    {
        Topic = topic,
        Qos = qos,
        PacketId = id,
        Payload = new ReadOnlySequence<byte>(System.Text.Encoding.UTF8.GetBytes(payload)),
    };

    public ValueTask DisposeAsync() => Wire.DisposeAsync();

    private ValueTask Note(MqttPublishPacket packet)
    {
        lock (Handled)
        {
            Handled.Add(packet.Topic);
        }

        return default;
    }
}
