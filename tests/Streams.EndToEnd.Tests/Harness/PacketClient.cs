using System.Buffers;
using System.Text;
using Streams.Mqtt;

namespace Streams.EndToEnd.Tests;

/// <summary>A client of MQTT 5 that sends packet by packet what the story says, and nothing by itself.</summary>
internal sealed class PacketClient : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private readonly MqttConnection _connection;

    private PacketClient(MqttConnection connection) => _connection = connection;

    /// <summary>What the server answered to CONNECT.</summary>
    public MqttConnackPacket Connack { get; private set; } = null!;

    /// <summary>Connects with a session that is kept.</summary>
    public static async Task<PacketClient> ConnectAsync(int port, string clientId)
    {
        var options = new MqttDecodeOptions { Role = MqttRole.Client, Version = MqttVersion.V5, MaximumPacketSize = 1 << 20 };
        var client = new PacketClient(await MqttClientTransport.ConnectAsync("127.0.0.1", port, options));
        await client.SendAsync(new MqttConnectPacket
        {
            Version = MqttVersion.V5,
            ClientId = clientId,
            CleanStart = false,
            Properties = new MqttProperties { SessionExpiryInterval = 3600 },
        });
        client.Connack = await client.NextAsync<MqttConnackPacket>();
        return client;
    }

    public Task SendAsync(MqttPacket packet) => _connection.WriteAsync(packet).AsTask();

    public Task PublishAsync(string topic, ushort id, string payload, bool duplicate = false) => SendAsync(new MqttPublishPacket
    {
        Topic = topic,
        Payload = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(payload)),
        Qos = MqttQos.ExactlyOnce,
        PacketId = id,
        Duplicate = duplicate,
    });

    /// <summary>The next packet, which must be of this kind.</summary>
    public async Task<T> NextAsync<T>()
        where T : MqttPacket => Assert.IsType<T>(await NextAsync());

    /// <summary>The next packet.</summary>
    public async Task<MqttPacket?> NextAsync() => await _connection.ReadAsync().AsTask().WaitAsync(Limit);

    /// <summary>The next message: its identifier, whether it was sent before, its text.</summary>
    public async Task<(ushort Id, bool Duplicate, string Text)> MessageAsync() => Read(await NextAsync<MqttPublishPacket>());

    /// <summary>A message: its identifier, whether it was sent before, its text.</summary>
    public static (ushort Id, bool Duplicate, string Text) Read(MqttPublishPacket packet) =>
        (packet.PacketId, packet.Duplicate, Encoding.UTF8.GetString(packet.Payload));

    public ValueTask DisposeAsync() => _connection.DisposeAsync();
}
