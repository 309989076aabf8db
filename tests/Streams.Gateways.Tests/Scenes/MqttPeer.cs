using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways.Tests;

/// <summary>A client that does what the story says, packet by packet, and nothing else.</summary>
internal sealed class MqttPeer : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly IDuplexPipe _pipe;
    private readonly MqttConnection _connection;
    private readonly Queue<MqttPacket> _early = new();
    private ushort _packetId;

    public MqttPeer(IDuplexPipe pipe, MqttVersion version, Task served)
    {
        _pipe = pipe;
        Version = version;
        Served = served;
        _connection = new MqttConnection(pipe,
            new MqttDecodeOptions { Role = MqttRole.Client, Version = version, MaximumPacketSize = 8 << 20 });
    }

    public MqttVersion Version { get; }

    /// <summary>Completes when the gateway is done with the connection.</summary>
    public Task Served { get; }

    public MqttConnackPacket Connack { get; private set; } = null!;

    /// <summary>The kind of the first packet that came.</summary>
    public MqttPacketType? First { get; private set; }

    public async Task ConnectAsync(string clientId, bool cleanStart = true, uint expiry = 0, ushort? receiveMaximum = null,
        MqttWill? will = null, ushort keepAlive = 0, uint? maxPacket = null, Action<MqttProperties>? more = null)
    {
        MqttProperties properties = new()
        {
            SessionExpiryInterval = expiry, ReceiveMaximum = receiveMaximum, MaximumPacketSize = maxPacket,
        };
        more?.Invoke(properties);
        await _connection.WriteAsync(new MqttConnectPacket
        {
            Version = Version,
            ClientId = clientId,
            CleanStart = cleanStart,
            KeepAliveSeconds = keepAlive,
            Will = will,
            Properties = Version == MqttVersion.V5 ? properties : null,
        });
        Connack = await NextAsync<MqttConnackPacket>();
    }

    public Task SendAsync(MqttPacket packet) => _connection.WriteAsync(packet).AsTask();

    public async Task RawAsync(params byte[] bytes)
    {
        await _pipe.Output.WriteAsync(bytes);
        await _pipe.Output.FlushAsync();
    }

    /// <summary>The next packet of a kind; other kinds that come before it are kept for later.</summary>
    public async Task<T> NextAsync<T>()
        where T : MqttPacket
    {
        for (int i = _early.Count; i > 0; i--)
        {
            MqttPacket kept = _early.Dequeue();
            if (kept is T wanted)
            {
                while (--i > 0)
                {
                    _early.Enqueue(_early.Dequeue());
                }

                return wanted;
            }

            _early.Enqueue(kept);
        }

        while (true)
        {
            MqttPacket packet = await ReadAsync()
                ?? throw new InvalidOperationException($"the gateway closed the connection before a {typeof(T).Name}");
            if (packet is T wanted)
            {
                return wanted;
            }

            _early.Enqueue(packet);
        }
    }

    /// <summary>Whether nothing of a kind came before the answer to a ping.</summary>
    public async Task<bool> NothingBeforePingAsync<T>()
        where T : MqttPacket
    {
        await SendAsync(MqttPingreqPacket.Instance);
        await NextAsync<MqttPingrespPacket>();
        return !_early.Any(static p => p is T);
    }

    /// <summary>Publishes and gives the answer; <see langword="null"/> with QoS 0.</summary>
    public async Task<MqttPubackPacket?> PublishAsync(string topic, string payload, MqttQos qos = MqttQos.AtLeastOnce,
        MqttProperties? properties = null, bool retain = false)
    {
        ushort id = await PublishOnlyAsync(topic, Encoding.UTF8.GetBytes(payload), qos, properties, retain);
        return qos == MqttQos.AtMostOnce ? null : await PubackAsync(id);
    }

    public async Task<ushort> PublishOnlyAsync(string topic, byte[] payload, MqttQos qos = MqttQos.AtLeastOnce,
        MqttProperties? properties = null, bool retain = false)
    {
        ushort id = qos == MqttQos.AtMostOnce ? (ushort)0 : NextId();
        await SendAsync(new MqttPublishPacket { Topic = topic, Payload = new ReadOnlySequence<byte>(payload), Qos = qos, PacketId = id,
            Properties = properties, Retain = retain });
        return id;
    }

    public async Task<MqttPubackPacket> PubackAsync(ushort id)
    {
        MqttPubackPacket puback = await NextAsync<MqttPubackPacket>();
        Assert.Equal(id, puback.PacketId);
        return puback;
    }

    public async Task<MqttReasonCode> SubscribeAsync(string filter, MqttQos qos = MqttQos.AtLeastOnce, uint identifier = 0, bool noLocal =
        false)
    {
        ushort id = NextId();
        await SendAsync(new MqttSubscribePacket
        {
            PacketId = id,
            Subscriptions = [new MqttSubscription(filter, qos) { NoLocal = noLocal }],
            Properties = identifier == 0 ? null : new MqttProperties().AddSubscription(identifier),
        });
        MqttSubackPacket suback = await NextAsync<MqttSubackPacket>();
        Assert.Equal(id, suback.PacketId);
        return Assert.Single(suback.ReasonCodes);
    }

    /// <summary>Subscribes with all that the standard offers.</summary>
    public async Task<MqttSubackPacket> SubscribeAsync(MqttProperties? properties, params MqttSubscription[] subscriptions)
    {
        ushort id = NextId();
        await SendAsync(new MqttSubscribePacket { PacketId = id, Subscriptions = subscriptions, Properties = properties });
        MqttSubackPacket suback = await NextAsync<MqttSubackPacket>();
        Assert.Equal(id, suback.PacketId);
        return suback;
    }

    public async Task<MqttReasonCode> UnsubscribeAsync(string filter)
    {
        await SendAsync(new MqttUnsubscribePacket { PacketId = NextId(), Filters = [filter] });
        return Assert.Single((await NextAsync<MqttUnsubackPacket>()).ReasonCodes);
    }

    /// <summary>The next message, acknowledged when it asks for it: <c>topic=payload</c>.</summary>
    public async Task<string> ReceiveAsync(bool acknowledge = true)
    {
        MqttPublishPacket publish = await NextMessageAsync();
        if (acknowledge)
        {
            await AcknowledgeAsync(publish);
        }

        return Text(publish);
    }

    /// <summary>The next message, acknowledged, as <see cref="ReceiveAsync"/> gives it, with <c>r:</c> before one with the retain
    /// flag.</summary>
    public async Task<string> ReceiveFlaggedAsync()
    {
        MqttPublishPacket publish = await NextMessageAsync();
        await AcknowledgeAsync(publish);
        return (publish.Retain ? "r:" : string.Empty) + Text(publish);
    }

    /// <summary>The next message.</summary>
    public Task<MqttPublishPacket> NextMessageAsync() => NextAsync<MqttPublishPacket>();

    public Task AcknowledgeAsync(MqttPublishPacket publish) => publish.PacketId == 0 ? Task.CompletedTask
        : SendAsync(new MqttPubackPacket { PacketId = publish.PacketId });

    /// <summary>Says goodbye, and waits until the gateway is done.</summary>
    public async Task DisconnectAsync()
    {
        await SendAsync(new MqttDisconnectPacket());
        await Served.WaitAsync(Limit);
    }

    /// <summary>Is gone without a word, and waits until the gateway noticed.</summary>
    public async Task VanishAsync()
    {
        await _connection.DisposeAsync();
        await Served.WaitAsync(Limit);
    }

    /// <summary>Waits for the end of the connection; gives the gateway's DISCONNECT code, if it said one.</summary>
    public async Task<MqttReasonCode?> EndAsync()
    {
        MqttReasonCode? code = null;
        while (await ReadAsync() is { } packet)
        {
            code = packet is MqttDisconnectPacket disconnect ? disconnect.ReasonCode : code;
        }

        await _connection.DisposeAsync();
        await Served.WaitAsync(Limit);
        return code;
    }

    /// <summary>Waits for the end of the connection; false when a packet came before it.</summary>
    public async Task<bool> EndsWithoutAWordAsync()
    {
        bool silent = await ReadAsync() is null;
        await _connection.DisposeAsync();
        await Served.WaitAsync(Limit);
        return silent;
    }

    /// <summary>The kinds of the packets that still come until the gateway closes.</summary>
    public async Task<List<MqttPacketType>> KindsToEndAsync()
    {
        List<MqttPacketType> kinds = [];
        while (await ReadAsync() is { } packet)
        {
            kinds.Add(packet.Type);
        }

        await Served.WaitAsync(Limit);
        return kinds;
    }

    /// <summary>Everything that the gateway sends until it closes, as bytes; only for a peer that has read no packets.</summary>
    public async Task<byte[]> BytesToEndAsync()
    {
        List<byte> bytes = [];
        while (true)
        {
            ReadResult read = await _pipe.Input.ReadAsync().AsTask().WaitAsync(Limit);
            bytes.AddRange(read.Buffer.ToArray());
            _pipe.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                await Served.WaitAsync(Limit);
                return [.. bytes];
            }
        }
    }

    public async Task SdkAsync(string topic, Action<IBufferWriter<byte>> write, MqttQos qos = MqttQos.AtLeastOnce)
    {
        ArrayBufferWriter<byte> output = new();
        write(output);
        await PublishOnlyAsync(topic, output.WrittenSpan.ToArray(), qos);
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private static string Text(MqttPublishPacket publish) => $"{publish.Topic}={Encoding.UTF8.GetString(publish.Payload)}";

    private ushort NextId() => ++_packetId;

    // Payloads are copied: a kept packet outlives the read after it.
    private async Task<MqttPacket?> ReadAsync()
    {
        MqttPacket? packet = await _connection.ReadAsync().AsTask().WaitAsync(Limit);
        First ??= packet?.Type;
        return packet is MqttPublishPacket p
            ? new MqttPublishPacket { Topic = p.Topic, Payload = new ReadOnlySequence<byte>(p.Payload.ToArray()), Qos = p.Qos, PacketId =
                p.PacketId, Properties = p.Properties, Duplicate = p.Duplicate, Retain = p.Retain }
            : packet;
    }
}
