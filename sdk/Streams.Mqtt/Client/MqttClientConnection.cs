using System.Buffers;

namespace Streams.Mqtt;

/// <summary>
/// One MQTT client connection, from CONNECT to the end. It does not reconnect and keeps nothing beyond its life: what was not
/// acknowledged fails, and its owner decides whether to send it again on another connection.
/// <para>Thread-safe. Messages go out in the order of the publish calls.</para>
/// <para>
/// Failure: whatever ends the connection fails every call that waits and every later one with
/// <see cref="MqttConnectionClosedException"/> (the cause inside) and completes <see cref="Closed"/>, which never faults.
/// </para>
/// </summary>
public sealed class MqttClientConnection : IAsyncDisposable
{
    private readonly MqttConnection _connection;
    private readonly MqttClientOptions _options;
    private readonly TimeProvider _time;
    private readonly ServerLimits _limits;
    private readonly OutboundPublishes _publishes;
    private readonly PendingRequests _requests;
    private readonly InboundPublishes _inbound;
    private readonly TopicAliases _aliases;
    private readonly KeepAliveSchedule? _keepAlive;
    private readonly long _start;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource<MqttClientClosed> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private Task? _shutdown;
    private Task _handling = Task.CompletedTask;

    private MqttClientConnection(
        MqttConnection connection,
        MqttClientOptions options,
        MqttConnackPacket connack,
        Func<MqttPublishPacket, ValueTask> handler,
        TimeProvider time)
    {
        _connection = connection;
        _options = options;
        _time = time;
        Connack = connack;
        _limits = new ServerLimits(connack, options.Version);
        PacketIds ids = new();
        Lock outbound = new();
        _publishes = new OutboundPublishes(
            connection,
            ids,
            outbound,
            options,
            Math.Min(options.MaximumInFlight, _limits.ReceiveMaximum),
            e => _ = ShutdownAsync(new MqttClientClosed(e, null), null));
        _requests = new PendingRequests(connection, ids, outbound);
        _inbound = new InboundPublishes(connection, handler, options);
        _aliases = new TopicAliases(options.TopicAliasMaximum);
        TimeSpan keepAlive = _limits.KeepAlive ?? options.KeepAlive;
        _keepAlive = keepAlive > TimeSpan.Zero ? new KeepAliveSchedule(keepAlive, options.PingTimeout) : null;
        _start = time.GetTimestamp();
    }

    /// <summary>The server's answer to CONNECT.</summary>
    public MqttConnackPacket Connack { get; }

    /// <summary>The client identifier in use: the one the server assigned, or that of the options.</summary>
    public string ClientId => Connack.Properties?.AssignedClientIdentifier ?? _options.ClientId;

    /// <summary>Completes when the connection is over, with the reason. Never faults.</summary>
    public Task<MqttClientClosed> Closed => _closed.Task;

    /// <summary>
    /// Opens a connection over TCP, TLS or WebSocket and says CONNECT.
    /// Throws <see cref="ArgumentException"/> (options), <see cref="MqttConnectRefusedException"/> (the server said no),
    /// <see cref="TimeoutException"/>, <see cref="MqttProtocolException"/>, <see cref="IOException"/> or
    /// <see cref="System.Net.Sockets.SocketException"/>; nothing stays open then.
    /// </summary>
    /// <param name="options">How to connect.</param>
    /// <param name="handler">
    /// Is given every message, one at a time, in order; the next one waits until it has completed. The payload is valid until then.
    /// If it throws, the message stays unacknowledged and the connection is closed.
    /// </param>
    /// <param name="time">Drives keep alive and time limits.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    public static async Task<MqttClientConnection> ConnectAsync(
        MqttClientOptions options,
        Func<MqttPublishPacket, ValueTask> handler,
        TimeProvider time,
        CancellationToken cancellationToken = default)
    {
        options.Validate();
        using CancellationTokenSource limit = new(options.ConnectTimeout, time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            MqttConnection connection = await MqttClientTransport
                .ConnectAsync(options, DecodeOptions(options), either.Token)
                .ConfigureAwait(false);
            return await StartAsync(connection, options, handler, time, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"The server at {options.Host}:{options.Port} did not answer within {options.ConnectTimeout}.");
        }
    }

    /// <summary>As <see cref="ConnectAsync"/>, over a connection that is open already and becomes this one's own.</summary>
    public static async Task<MqttClientConnection> StartAsync(
        MqttConnection connection,
        MqttClientOptions options,
        Func<MqttPublishPacket, ValueTask> handler,
        TimeProvider time,
        CancellationToken cancellationToken = default)
    {
        try
        {
            MqttConnackPacket connack = await ClientHandshake
                .RunAsync(connection, options.Validate(), cancellationToken)
                .ConfigureAwait(false);
            MqttClientConnection client = new(connection, options, connack, handler, time);
            client.Start();
            return client;
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>What a connection made for <see cref="StartAsync"/> should accept.</summary>
    public static MqttDecodeOptions DecodeOptions(MqttClientOptions options) => new()
    {
        Role = MqttRole.Client,
        Version = options.Version,
        MaximumPacketSize = options.MaximumPacketSize,
        Topics = new TopicNameCache(),
    };

    /// <summary>
    /// Publishes a message. Takes its place in the order before it returns; completes with the acknowledgement, for QoS 0 when the
    /// network has taken it. The payload must stay unchanged until then. Canceling stops the waiting; a message already sent stays sent.
    /// Throws <see cref="MqttProtocolException"/> when the message breaks the standard or a limit the server announced (nothing is
    /// sent, the connection goes on) and <see cref="InvalidOperationException"/> when too many calls wait.
    /// </summary>
    public Task<MqttPublishResult> PublishAsync(
        string topic,
        ReadOnlyMemory<byte> payload,
        MqttQos qos = MqttQos.AtMostOnce,
        bool retain = false,
        MqttProperties? properties = null,
        CancellationToken cancellationToken = default)
    {
        MqttPublishHead head = new() { Topic = topic, Qos = qos, Retain = retain, Properties = properties };
        return PublishAsync(head, new ReadOnlySequence<byte>(payload), cancellationToken);
    }

    /// <summary>As the other; the packet identifier of the head is chosen here.</summary>
    public async Task<MqttPublishResult> PublishAsync(
        MqttPublishHead head, ReadOnlySequence<byte> payload, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _limits.Check(head, payload.Length);
        OutboundPublish publish = _publishes.Send(head, payload);
        using CancellationTokenRegistration canceled = cancellationToken.UnsafeRegister(
            static (state, token) => ((OutboundPublish)state!).TrySetCanceled(token), publish);
        MqttPublishResult result = await publish.Task.ConfigureAwait(false);
        if (head.Qos == MqttQos.AtMostOnce)
        {
            await _connection.FlushAsync(cancellationToken).ConfigureAwait(false);
        }

        return result;
    }

    /// <summary>Subscribes; completes with SUBACK, whose codes may be refusals.</summary>
    public async Task<MqttSubackPacket> SubscribeAsync(
        IReadOnlyList<MqttSubscription> subscriptions, MqttProperties? properties = null, CancellationToken cancellationToken = default)
    {
        Task<MqttPacket> answer = _requests.Send(
            id => _limits.Check(new MqttSubscribePacket { PacketId = id, Subscriptions = subscriptions, Properties = properties }),
            MqttPacketType.Suback,
            subscriptions.Count);
        _publishes.Flush();
        return (MqttSubackPacket)await answer.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends subscriptions; completes with UNSUBACK.</summary>
    public async Task<MqttUnsubackPacket> UnsubscribeAsync(
        IReadOnlyList<string> filters, MqttProperties? properties = null, CancellationToken cancellationToken = default)
    {
        Task<MqttPacket> answer = _requests.Send(
            id => _limits.Check(new MqttUnsubscribePacket { PacketId = id, Filters = filters, Properties = properties }),
            MqttPacketType.Unsuback,
            filters.Count);
        _publishes.Flush();
        return (MqttUnsubackPacket)await answer.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Acknowledges a received QoS 1 or 2 message; for use without <see cref="MqttClientOptions.AutoAck"/>, once per message, in the
    /// order they came. QoS 0 needs none and is ignored. Throws <see cref="InvalidOperationException"/> when the message is not open,
    /// <see cref="MqttProtocolException"/> when 3.1.1 cannot say the reason.
    /// </summary>
    public ValueTask AckAsync(
        MqttPublishPacket packet,
        MqttReasonCode reasonCode = MqttReasonCode.Success,
        MqttProperties? properties = null,
        CancellationToken cancellationToken = default)
    {
        if (packet.Qos == MqttQos.AtMostOnce)
        {
            return default;
        }

        _inbound.Ack(packet, reasonCode, properties);
        return _connection.FlushAsync(cancellationToken);
    }

    /// <summary>
    /// Says DISCONNECT, within the time limit of the options, and closes. Does not wait for acknowledgements: await the publishes
    /// first. Waits for the handler to return, unless called inside it.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        await ShutdownAsync(new MqttClientClosed(null, null), new MqttDisconnectPacket()).ConfigureAwait(false);
        if (!_inbound.IsInsideHandler)
        {
            await _handling.ConfigureAwait(false);
        }
    }

    private void Start()
    {
        _handling = WatchAsync(_inbound.RunAsync(_stop.Token));
        _ = WatchAsync(ReadLoopAsync());
        if (_keepAlive is not null)
        {
            _ = WatchAsync(KeepAliveLoopAsync(_keepAlive));
        }
    }

    // No loop dies quietly: its failure closes the connection and stands in Closed.
    private async Task WatchAsync(Task loop)
    {
        try
        {
            await loop.ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
        catch (MqttProtocolException e)
        {
            // A DISCONNECT of 3.1.1 says that all is well, and would make the server forget the will.
            MqttDisconnectPacket? farewell = _options.Version == MqttVersion.V5
                ? new MqttDisconnectPacket { ReasonCode = SayableCode(e.ReasonCode) }
                : null;
            await ShutdownAsync(new MqttClientClosed(e, null), farewell).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            await ShutdownAsync(new MqttClientClosed(e, null), null).ConfigureAwait(false);
        }
    }

    private async Task ReadLoopAsync()
    {
        while (await _connection.ReadAsync(_stop.Token).ConfigureAwait(false) is { } packet)
        {
            _keepAlive?.Heard();
            switch (packet)
            {
                case MqttPublishPacket publish:
                    await ReceiveAsync(publish).ConfigureAwait(false);
                    break;
                case MqttPubrelPacket pubrel:
                    _inbound.OnPubrel(pubrel);
                    _publishes.Flush();
                    break;
                case MqttPublishReply reply:
                    _publishes.OnReply(reply);
                    break;
                case MqttSubackPacket suback:
                    _requests.OnAnswer(suback.PacketId, suback, suback.ReasonCodes.Count);
                    break;
                case MqttUnsubackPacket unsuback:
                    _requests.OnAnswer(unsuback.PacketId, unsuback, unsuback.ReasonCodes.Count);
                    break;
                case MqttPingrespPacket:
                    break;
                case MqttDisconnectPacket disconnect:
                    await ShutdownAsync(new MqttClientClosed(null, disconnect), null).ConfigureAwait(false);
                    return;
                default:
                    throw Refuse.Protocol($"{packet.Type} after CONNACK.");
            }

            if (_connection.UnflushedBytes > 4L * _options.SendBufferBytes)
            {
                // The server makes answers needed and does not read them: stop hearing it until it does.
                await _connection.FlushAsync(_stop.Token).ConfigureAwait(false);
            }
        }

        throw new MqttConnectionClosedException("The server closed the connection.");
    }

    private async ValueTask ReceiveAsync(MqttPublishPacket packet)
    {
        string topic = _aliases.Resolve(packet);
        MqttPublishPacket resolved = packet.Topic.Length > 0 ? packet : packet.With(topic, packet.Payload);
        if (_inbound.TryTake(resolved, out InboundPublishes.Delivery delivery))
        {
            _publishes.Flush();
            return;
        }

        _keepAlive?.SetDeaf(true, Now);
        await _inbound.PutAsync(delivery, _stop.Token).ConfigureAwait(false);
        _keepAlive?.SetDeaf(false, Now);
    }

    private async Task KeepAliveLoopAsync(KeepAliveSchedule schedule)
    {
        while (true)
        {
            switch (schedule.Next(Now, out TimeSpan wait))
            {
                case KeepAliveStep.Ping:
                    _connection.Write(MqttPingreqPacket.Instance);
                    _publishes.Flush();
                    break;
                case KeepAliveStep.GiveUp:
                    throw new MqttConnectionClosedException($"The server did not answer a ping within {_options.PingTimeout}.")
                    {
                        PeerWasSilent = true,
                    };
                default:
                    await Task.Delay(wait, _time, _stop.Token).ConfigureAwait(false);
                    break;
            }
        }
    }

    private TimeSpan Now => _time.GetElapsedTime(_start);

    private Task ShutdownAsync(MqttClientClosed why, MqttDisconnectPacket? farewell)
    {
        TaskCompletionSource done;
        lock (_gate)
        {
            if (_shutdown is not null)
            {
                return _shutdown;
            }

            done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _shutdown = done.Task;
        }

        _ = RunShutdownAsync(why, farewell, done);
        return _shutdown;
    }

    private async Task RunShutdownAsync(MqttClientClosed why, MqttDisconnectPacket? farewell, TaskCompletionSource done)
    {
        string message = why.ServerSaid is { } said
            ? $"The server disconnected: {said.ReasonCode}. {said.Properties?.ReasonString}".TrimEnd()
            : why.Failure?.Message ?? "The connection was closed by this side.";
        Exception failure = why.Failure as MqttConnectionClosedException ?? new MqttConnectionClosedException(message, why.Failure);
        _publishes.Fail(failure);
        _requests.Fail(failure);
        _inbound.Close();
        try
        {
            if (farewell is not null)
            {
                await _connection.WriteAsync(farewell).AsTask().WaitAsync(_options.DisconnectTimeout, _time).ConfigureAwait(false);
            }
        }
        catch (Exception)
        {
            // Saying goodbye is a courtesy: the connection is closed either way, and the first failure is the one reported.
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        try
        {
            await _connection.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception)
        {
            // As above.
        }

        _closed.TrySetResult(why);
        done.TrySetResult();
    }

    // A client may not say every code in DISCONNECT.
    private static MqttReasonCode SayableCode(MqttReasonCode code) =>
        ReasonCodes.IsAllowed(MqttPacketType.Disconnect, code, MqttRole.Server) ? code : MqttReasonCode.ProtocolError;
}
