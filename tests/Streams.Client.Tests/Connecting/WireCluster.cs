using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Client.Tests;

/// <summary>A scripted cluster behind a real MQTT 5 endpoint on loopback.</summary>
internal sealed class WireCluster : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ScriptedCluster _cluster;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _serving = [];
    private readonly Task _accepting;

    public WireCluster(ScriptedCluster cluster)
    {
        _cluster = cluster;
        _listener.Start();
        Endpoint = new ClusterEndpoint(cluster.Origin.Cluster, "127.0.0.1", ((IPEndPoint)_listener.LocalEndpoint).Port);
        _accepting = AcceptAsync();
    }

    public ClusterEndpoint Endpoint { get; }

    /// <summary>What it tells clients that take hints, with the answer to CONNECT.</summary>
    public SpreadHint? Hint { get; set; }

    /// <summary>Asked for each CONNECT: after how many milliseconds to come again, or null when there is room.</summary>
    public Func<int?>? Busy { get; set; }

    /// <summary>Asked for each CONNECT: the answer, or success when null.</summary>
    public Func<MqttConnectPacket, MqttConnackPacket?>? Judge { get; set; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        _cluster.CutAll();
        await _accepting;
        await Task.WhenAll(_serving);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                TcpClient peer = await _listener.AcceptTcpClientAsync(_stop.Token);
                _serving.Add(ServeAsync(peer));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(TcpClient peer)
    {
        await using MqttConnection mqtt = MqttConnection.FromStream(
            peer.GetStream(), new MqttDecodeOptions { Role = MqttRole.Server, MaximumPacketSize = 8 << 20 });
        try
        {
            if (await mqtt.ReadAsync(_stop.Token) is not MqttConnectPacket connect)
            {
                return;                                  // gone before it said anything
            }

            if (Busy?.Invoke() is { } after)
            {
                await mqtt.WriteAsync(new MqttConnackPacket
                {
                    ReasonCode = MqttReasonCode.ServerBusy,
                    Properties = new MqttProperties().Add(ProtocolTopics.RetryAfterProperty, $"{after}"),
                });
                return;
            }

            if (Judge?.Invoke(connect) is { } refusal)
            {
                await mqtt.WriteAsync(refusal);
                return;
            }

            await mqtt.WriteAsync(new MqttConnackPacket { Properties = new MqttProperties { ReceiveMaximum = 8,
                MaximumPacketSize = 8 << 20 } });
            await using ScriptedConnection connection = _cluster.Connect(connect.ClientId, async (topic, payload) =>
                await mqtt.WriteAsync(new MqttPublishPacket { Topic = topic, Payload = new ReadOnlySequence<byte>(payload) }));
            if (Hint is { } hint && connect.Properties?.FirstUserValue(ProtocolTopics.HintsProperty) == "1")
            {
                connection.Publish(ProtocolTopics.Hint, Wire.Of((ref ByteWriter w) => hint.Write(ref w)));
            }

            using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            _ = connection.Closed.ContinueWith(_ => either.Cancel(), TaskScheduler.Default);
            while (await mqtt.ReadAsync(either.Token) is { } packet and not MqttDisconnectPacket)
            {
                await AnswerAsync(mqtt, connection, packet);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or MqttConnectionClosedException
            or ObjectDisposedException)
        {
            // Either side has gone.
        }
    }

    private async Task AnswerAsync(MqttConnection mqtt, ScriptedConnection connection, MqttPacket packet)
    {
        if (packet is MqttPingreqPacket)
        {
            await mqtt.WriteAsync(MqttPingrespPacket.Instance);
        }
        else if (packet is MqttPublishPacket publish)
        {
            ClusterAnswer answer = await _cluster.Take(connection, publish.Topic, publish.Payload.ToArray());
            if (publish.Qos == MqttQos.AtLeastOnce)
            {
                MqttProperties properties = new() { ReasonString = answer.Text };
                foreach (string placed in answer.Placed)
                {
                    properties.Add(ProtocolTopics.PlacedProperty, placed);
                }

                await mqtt.WriteAsync(new MqttPubackPacket
                {
                    PacketId = publish.PacketId,
                    ReasonCode = (MqttReasonCode)answer.Reason,
                    Properties = properties,
                });
            }
        }
    }
}
