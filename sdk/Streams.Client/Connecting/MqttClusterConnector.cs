using System.Buffers;
using System.Globalization;
using System.Net.Sockets;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Client;

/// <summary>Connects to clusters over MQTT 5.</summary>
internal sealed class MqttClusterConnector(ClusterOptions options, TimeProvider time) : IClusterConnector
{
    private const int MaxPacketBytes = 16 << 20;      // the greatest batch, its head, and handshakes of many partitions

    private static readonly string HintVersion = SpreadHint.Version.ToString(CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public async ValueTask<IClusterConnection> ConnectAsync(ClusterEndpoint endpoint, string clientId, IncomingMessage incoming,
        CancellationToken cancellationToken)
    {
        MqttClientOptions mqtt = new()
        {
            Host = endpoint.Host,
            Port = endpoint.Port,
            Tls = options.Tls,
            UserName = options.UserName,
            Password = options.Password,
            ClientId = clientId,
            KeepAlive = options.KeepAlive,
            PingTimeout = options.AnswerTimeout,
            ConnectTimeout = options.AnswerTimeout,
            MaximumPacketSize = MaxPacketBytes,
            UserProperties = [new MqttUserProperty(ProtocolTopics.HintsProperty, HintVersion)],
        };
        try
        {
            return new Connection(await MqttClientConnection.ConnectAsync(
                mqtt, packet => incoming(packet.Topic, packet.Payload.ToArray()), time, cancellationToken));
        }
        catch (MqttConnectRefusedException refused) when (SaysBusy(refused.ReasonCode))
        {
            MqttProperties? said = refused.Connack.Properties;
            TimeSpan? after = long.TryParse(said?.FirstUserValue(ProtocolTopics.RetryAfterProperty), NumberStyles.None,
                CultureInfo.InvariantCulture, out long ms) && ms <= int.MaxValue ? TimeSpan.FromMilliseconds(ms) : null;
            throw new ClusterBusyException(refused.Message, after, said?.ServerReference);
        }
    }

    private static bool SaysBusy(MqttReasonCode code) => code is MqttReasonCode.ServerBusy or MqttReasonCode.QuotaExceeded
        or MqttReasonCode.UseAnotherServer or MqttReasonCode.ServerMoved or MqttReasonCode.ConnectionRateExceeded;

    private sealed class Connection(MqttClientConnection connection) : IClusterConnection
    {
        public Task<ConnectionEnd> Closed { get; } = WhyAsync(connection.Closed);

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

        private static async Task<ConnectionEnd> WhyAsync(Task<MqttClientClosed> closed)
        {
            MqttClientClosed why = await closed;
            return why.ServerSaid is { } said
                ? new ConnectionEnd($"the cluster said {said.ReasonCode} {said.Properties?.ReasonString}".TrimEnd(),
                    said.ReasonCode == MqttReasonCode.ServerShuttingDown || SaysBusy(said.ReasonCode)
                        ? SessionLoss.Together : SessionLoss.Alone)
                : new ConnectionEnd(why.Failure?.Message ?? "closed by this side", Loss(why.Failure));
        }

        // Who hears nothing more, or whose own network fails, may be the only one; a closing other side may close all.
        private static SessionLoss Loss(Exception? failure) => failure switch
        {
            MqttConnectionClosedException { PeerWasSilent: true } => SessionLoss.Alone,
            { InnerException: { } inner } when Loss(inner) == SessionLoss.Alone => SessionLoss.Alone,
            SocketException { SocketErrorCode: not (SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown) }
                => SessionLoss.Alone,
            SocketException or IOException => SessionLoss.Together,
            _ => SessionLoss.Alone,
        };
    }
}
