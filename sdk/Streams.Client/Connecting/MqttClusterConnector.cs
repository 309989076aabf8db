using System.Buffers;
using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Client;

/// <summary>Connects to clusters over MQTT 5.</summary>
/// <remarks>Certificates and credentials are asked for anew at each connect. No secret is logged.</remarks>
internal sealed class MqttClusterConnector(ClusterOptions options, TimeProvider time, ILogger logger) : IClusterConnector
{
    private const int MaxPacketBytes = 16 << 20;      // the greatest batch, its head, and handshakes of many partitions

    private static readonly string BundleVersion = Bundle.Version.ToString(CultureInfo.InvariantCulture);
    private static readonly string HintVersion = SpreadHint.Version.ToString(CultureInfo.InvariantCulture);

    private readonly CertificateKeeper? _certificates =
        options.CertificateFiles is { } files ? new CertificateKeeper(files, options.Tls, logger) : null;

    /// <inheritdoc/>
    public async ValueTask<IClusterConnection> ConnectAsync(ClusterEndpoint endpoint, string clientId, IncomingMessage incoming,
        CancellationToken cancellationToken)
    {
        ClusterCredentials? credentials = await CredentialsAsync(endpoint, cancellationToken).ConfigureAwait(false);
        MqttClientOptions mqtt = new()
        {
            Host = endpoint.Host,
            Port = endpoint.Port,
            Tls = await TlsAsync(endpoint, cancellationToken).ConfigureAwait(false),
            WebSocketPath = endpoint.IsWebSocket ? endpoint.Path : null,
            Transport = options.Transport is { } own ? token => own(endpoint, token) : null,
            UserName = credentials?.UserName,
            Password = credentials?.Password,
            ClientId = clientId,
            KeepAlive = options.KeepAlive,
            PingTimeout = options.AnswerTimeout,
            ConnectTimeout = options.AnswerTimeout,
            MaximumPacketSize = MaxPacketBytes,
            UserProperties = options.SendsForMany
                ? [new MqttUserProperty(ProtocolTopics.HintsProperty, HintVersion),
                    new MqttUserProperty(ProtocolTopics.BundlesProperty, BundleVersion)]
                : [new MqttUserProperty(ProtocolTopics.HintsProperty, HintVersion)],
        };
        long began = time.GetTimestamp();
        try
        {
            MqttClientConnection connection = await MqttClientConnection.ConnectAsync(
                mqtt, packet => incoming(packet.Topic, Copy(packet.Payload)), time, cancellationToken).ConfigureAwait(false);
            int producers = MaxProducers(connection.Connack.Properties);
            if (options.SendsForMany && producers == 0)
            {
                await connection.DisposeAsync().ConfigureAwait(false);
                throw new IOException("it does not take batches of many producers on one connection: it is older than that. Update it, or "
                    + "leave it out of the list of clusters");
            }

            return new Connection(connection, time.GetElapsedTime(began), producers);
        }
        catch (MqttConnectRefusedException refused) when (SaysNo(refused.ReasonCode))
        {
            throw new CredentialsRefusedException($"{refused.Message.TrimEnd('.')}.");
        }
        catch (MqttConnectRefusedException refused) when (SaysBusy(refused.ReasonCode))
        {
            MqttProperties? said = refused.Connack.Properties;
            TimeSpan? after = long.TryParse(said?.FirstUserValue(ProtocolTopics.RetryAfterProperty), NumberStyles.None,
                CultureInfo.InvariantCulture, out long ms) && ms <= int.MaxValue ? TimeSpan.FromMilliseconds(ms) : null;
            throw new ClusterBusyException(refused.Message, after, said?.ServerReference);
        }
    }

    private async ValueTask<SslClientAuthenticationOptions?> TlsAsync(ClusterEndpoint endpoint, CancellationToken cancellationToken) =>
        endpoint.Scheme is ClusterScheme.Mqtt or ClusterScheme.Ws ? null
        : _certificates is not null ? await _certificates.CurrentAsync(cancellationToken).ConfigureAwait(false)
        : endpoint.Scheme == ClusterScheme.Unsaid ? options.Tls
        : options.Tls ?? new SslClientAuthenticationOptions();

    private async ValueTask<ClusterCredentials?> CredentialsAsync(ClusterEndpoint endpoint, CancellationToken cancellationToken)
    {
        if (options.Credentials is not { } provider)
        {
            return new ClusterCredentials(options.UserName, options.Password);
        }

        using CancellationTokenSource limit = new(options.CredentialsTimeout, time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        Task<ClusterCredentials?>? giving = null;
        try
        {
            // Also a provider that does not heed its token holds up nothing beyond the limit.
            giving = provider(endpoint, either.Token).AsTask();
            return await giving.WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            _ = giving?.ContinueWith(static late => late.Exception, TaskScheduler.Default);      // seen, whenever it comes
            throw new IOException($"the application gave no credentials within {options.CredentialsTimeout}");
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"the application gave no credentials: {e.GetType().Name}: {e.Message}", e);
        }
    }

    // What was handed out is kept as long as the application likes. All of it is written here: nothing is cleared first.
    private static byte[] Copy(in ReadOnlySequence<byte> payload)
    {
        byte[] copy = GC.AllocateUninitializedArray<byte>(checked((int)payload.Length));
        payload.CopyTo(copy);
        return copy;
    }

    private static bool SaysNo(MqttReasonCode code) => code is MqttReasonCode.BadUserNameOrPassword or MqttReasonCode.NotAuthorized
        or MqttReasonCode.BadAuthenticationMethod or MqttReasonCode.Banned;

    private static bool SaysBusy(MqttReasonCode code) => code is MqttReasonCode.ServerBusy or MqttReasonCode.QuotaExceeded
        or MqttReasonCode.UseAnotherServer or MqttReasonCode.ServerMoved or MqttReasonCode.ConnectionRateExceeded;

    private static int MaxProducers(MqttProperties? said) =>
        int.TryParse(said?.FirstUserValue(ProtocolTopics.BundlesProperty), NumberStyles.None, CultureInfo.InvariantCulture, out int version)
        && version >= Bundle.Version
        && int.TryParse(said.FirstUserValue(ProtocolTopics.ProducersProperty), NumberStyles.None, CultureInfo.InvariantCulture,
            out int most) ? most : 0;

    private sealed class Connection(MqttClientConnection connection, TimeSpan connectTook, int maxProducers) : IClusterConnection
    {
        public int MaxProducers => maxProducers;

        public string? Path => connection.Connack.Properties?.FirstUserValue(ProtocolTopics.PathProperty);

        public TimeSpan? ConnectTook => connectTook;

        public Task<ConnectionEnd> Closed { get; } = WhyAsync(connection.Closed);

        public async Task<ClusterAnswer> SendAsync(string topic, ReadOnlyMemory<byte> payload, bool answered,
            CancellationToken cancellationToken)
        {
            try
            {
                MqttPublishResult result = await connection.PublishAsync(
                    topic, payload, answered ? MqttQos.AtLeastOnce : MqttQos.AtMostOnce, cancellationToken: cancellationToken)
                    .ConfigureAwait(false);
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
            MqttClientClosed why = await closed.ConfigureAwait(false);
            return why.ServerSaid is { } said
                ? new ConnectionEnd($"the cluster said {said.ReasonCode} {said.Properties?.ReasonString}".TrimEnd(),
                    said.ReasonCode == MqttReasonCode.ServerShuttingDown || SaysBusy(said.ReasonCode)
                        ? SessionLoss.Together : SessionLoss.Alone, said.Properties?.ServerReference)
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
