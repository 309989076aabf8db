using System.Buffers;
using System.Net.Security;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Client;

/// <summary>Connects to clusters over MQTT 5.</summary>
internal sealed class MqttClusterConnector(StreamsClientOptions options, TimeProvider time) : IClusterConnector
{
    private const int MaxPacketBytes = 16 << 20;      // the greatest batch, its head, and handshakes of many partitions

    /// <inheritdoc/>
    public async ValueTask<IClusterConnection> ConnectAsync(ClusterEndpoint endpoint, string clientId, IncomingMessage incoming,
        CancellationToken cancellationToken)
    {
        MqttClientOptions mqtt = new()
        {
            Host = endpoint.Host,
            Port = endpoint.Port,
            Tls = options.Tls is { } tls ? Named(tls, endpoint.Host) : null,
            UserName = options.UserName,
            Password = options.Password,
            ClientId = clientId,
            KeepAlive = options.KeepAlive,
            PingTimeout = options.AnswerTimeout,
            ConnectTimeout = options.AnswerTimeout,
            MaximumPacketSize = MaxPacketBytes,
        };
        MqttClientConnection connection = await MqttClientConnection.ConnectAsync(
            mqtt, packet => incoming(packet.Topic, packet.Payload.ToArray()), time, cancellationToken);
        return new Connection(connection);
    }

    private static SslClientAuthenticationOptions Named(SslClientAuthenticationOptions tls, string host)
    {
        tls.TargetHost ??= host;
        return tls;
    }

    private sealed class Connection(MqttClientConnection connection) : IClusterConnection
    {
        public Task<string> Closed { get; } = WhyAsync(connection.Closed);

        public async Task<ClusterAnswer> SendAsync(string topic, ReadOnlyMemory<byte> payload, bool answered,
            CancellationToken cancellationToken)
        {
            try
            {
                MqttPublishResult result = await connection.PublishAsync(
                    topic, payload, answered ? MqttQos.AtLeastOnce : MqttQos.AtMostOnce, cancellationToken: cancellationToken);
                return new ClusterAnswer((byte)result.ReasonCode, result.Properties?.ReasonString ?? string.Empty,
                    Placed(result.Properties));
            }
            catch (MqttProtocolException e) when (e.ReasonCode == MqttReasonCode.PacketTooLarge)
            {
                // The cluster announced a limit: a smaller batch may do, an event that alone is over it never will.
                return new ClusterAnswer(ClusterAnswer.PayloadInvalid, e.Message, []);
            }
        }

        public ValueTask DisposeAsync() => connection.DisposeAsync();

        private static List<string> Placed(MqttProperties? properties)
        {
            List<string> placed = [];
            foreach (MqttUserProperty property in properties?.UserProperties ?? [])
            {
                if (property.Name == ProtocolTopics.PlacedProperty)
                {
                    placed.Add(property.Value);
                }
            }

            return placed;
        }

        private static async Task<string> WhyAsync(Task<MqttClientClosed> closed)
        {
            MqttClientClosed why = await closed;
            return why.ServerSaid is { } said ? $"the cluster said {said.ReasonCode} {said.Properties?.ReasonString}".TrimEnd()
                : why.Failure?.Message ?? "closed by this side";
        }
    }
}
