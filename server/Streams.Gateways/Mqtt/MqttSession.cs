using Microsoft.Extensions.Logging;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>One connected client, from CONNACK to the end: reads its packets, hands each to the handler of its kind, and owns what
/// runs beside that.</summary>
/// <remarks>Three loops: packets in, answers out (<see cref="InboundQueue"/>), events out (<see cref="SessionDelivery"/>). Whichever
/// fails ends the session with
/// <see cref="Close"/>; then the loops are ended, confirmed cursors committed, the session record and the will written. Nothing is
/// thrown at the caller.</remarks>
internal sealed class MqttSession : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _closing = new();
    private string? _closeReason;
    private Task _closed = Task.CompletedTask;
    private Task _delivery = Task.CompletedTask;

    public MqttSession(GatewayServices services, MqttConnection connection, ReplyWriter replies, ClientInfo client,
        SessionSubscriptions subscriptions, string owner, ProducerId producer, ExchangeState exchanges)
    {
        Services = services;
        Stopping = _stop.Token;
        Connection = connection;
        Client = client;
        Replies = replies;
        Owner = owner;
        Producer = producer;
        Received = exchanges.Received;
        Inbound = new InboundQueue(services.Options.ReceiveMaximum, services.Options.MaxUnansweredBytes);
        Delivery = new SessionDelivery(services, connection, replies, client, subscriptions, exchanges.Window, producer, owner);
        Aliases = new TopicAliases((ushort)services.Options.TopicAliasMaximum);
        Rate = PublishRate.Of(services.Options, services.Time);
        Sdk = new SdkConnection(this);
    }

    /// <summary>What the gateway works with.</summary>
    public GatewayServices Services { get; }

    /// <summary>The connection.</summary>
    public MqttConnection Connection { get; }

    /// <summary>Writes what is not PUBLISH.</summary>
    public ReplyWriter Replies { get; }

    /// <summary>The client.</summary>
    public ClientInfo Client { get; }

    /// <summary>Which connection at which cluster this is, as the session record says it.</summary>
    public string Owner { get; }

    /// <summary>Under which identity the session's messages with QoS 2 are events: as long as the session, at every cluster.</summary>
    public ProducerId Producer { get; }

    /// <summary>Messages being worked on.</summary>
    public InboundQueue Inbound { get; }

    /// <summary>The identifiers of its messages with QoS 2.</summary>
    public ReceivedIds Received { get; }

    /// <summary>Events on their way to the client.</summary>
    public SessionDelivery Delivery { get; }

    /// <summary>Topic aliases that the client set.</summary>
    public TopicAliases Aliases { get; }

    /// <summary>How fast the client may publish; <see langword="null"/> where there is no limit.</summary>
    public PublishRate? Rate { get; }

    /// <summary>Whether it was said already that the client is held back.</summary>
    public bool SaidTooFast { get; set; }

    /// <summary>What the client does as an SDK.</summary>
    public SdkConnection Sdk { get; }

    /// <summary>Filters, and SDK subscriptions; for the gateway's status.</summary>
    public int SubscriptionCount => FilterCount + Sdk.SubscriptionCount;

    /// <summary>Filters of the session.</summary>
    public int FilterCount { get; set; }

    /// <summary>Whether some filter leaves the client's own messages out: then they carry its name.</summary>
    public bool MarksOwnMessages { get; set; }

    /// <summary>Whether the client said goodbye: then no will is published.</summary>
    public bool SaidGoodbye { get; set; }

    /// <summary>Whether the connection is being closed: from then on the memory of packets that were read may be gone.</summary>
    public bool IsClosing => Volatile.Read(ref _closeReason) is not null;

    /// <summary>The will as it is kept; <see langword="null"/> for none.</summary>
    public StoredWill? Will { get; set; }

    /// <summary>Ends with the session.</summary>
    public CancellationToken Stopping { get; }

    /// <summary>Completes when nothing of the session is left.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Begins to give events, once; called when the client has filters.</summary>
    public void StartDelivery()
    {
        if (_delivery.IsCompleted && !Stopping.IsCancellationRequested)
        {
            _delivery = RunPartAsync(Delivery.RunAsync);
        }
    }

    /// <summary>Lets everything go, at the end or when it never began. Idempotent.</summary>
    public void Dispose()
    {
        try
        {
            Delivery.Dispose();
            _stop.Dispose();
        }
        finally
        {
            _ended.TrySetResult();
        }
    }

    /// <summary>Serves the client until it is gone.</summary>
    public async Task RunAsync(PacketRouter router, CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration canceled = cancellationToken.UnsafeRegister(
            static session => ((MqttSession)session!).Close(MqttReasonCode.ServerShuttingDown, "the server is shutting down"), this);
        Task answers = RunPartAsync(AnswerAsync);
        try
        {
            await ReadAsync(router).ConfigureAwait(false);
        }
        finally
        {
            await EndAsync(answers).ConfigureAwait(false);
        }
    }

    /// <summary>Ends the connection, telling a client of MQTT 5 why where there is something to tell. Returns at once; the first call
    /// counts.</summary>
    /// <returns>Whether this was the first.</returns>
    public bool Close(MqttReasonCode code, string reason)
    {
        lock (_closing)
        {
            if (_closeReason is not null)
            {
                return false;
            }

            _closeReason = reason;
            _closed = CloseAsync(code, reason);
            return true;
        }
    }

    // A newer connection of the client may be waiting for the end: it comes also when a part of it fails.
    private async Task EndAsync(Task answers)
    {
        try
        {
            Close(MqttReasonCode.Success, "the connection ended");
            Inbound.Complete();
            await _stop.CancelAsync().ConfigureAwait(false);
            await Sdk.EndAsync().ConfigureAwait(false);
            await Task.WhenAll(_delivery, answers, _closed).ConfigureAwait(false);
            await new SessionEnd(Services).RunAsync(this).ConfigureAwait(false);
            GatewayLog.Disconnected(Services.Log, Client.ClientId, _closeReason ?? string.Empty);
        }
        catch (Exception e)
        {
            GatewayLog.SessionFailed(Services.Log, Client.ClientId, e);
        }
        finally
        {
            Dispose();
        }
    }

    private async Task CloseAsync(MqttReasonCode code, string reason)
    {
        await Task.Yield();
        try
        {
            if (code != MqttReasonCode.Success && Client.IsV5)
            {
                using CancellationTokenSource limit = new(Services.Options.CloseTimeout, Services.Time);
                MqttDisconnectPacket packet = Elsewhere.Disconnect(code, reason, Services.Options.ServerReference);
                await Replies.WriteAsync(packet, limit.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or MqttProtocolException or InvalidOperationException)
        {
            // The client is gone or does not listen; it is closed without a word.
        }

        await Connection.DisposeAsync().ConfigureAwait(false);
        try
        {
            await _stop.CancelAsync().ConfigureAwait(false);     // who reads may be waiting for room that nobody makes any more
        }
        catch (ObjectDisposedException)
        {
            // It has ended already.
        }
    }

    private async Task ReadAsync(PacketRouter router)
    {
        using SilenceWatch? silence = Client.SilenceLimit is { } limit
            ? new SilenceWatch(Services.Time, limit, () =>
                Close(MqttReasonCode.KeepAliveTimeout, "nothing was heard for 1.5 times the keep alive")) : null;
        try
        {
            while (true)
            {
                silence?.Listen();
                MqttPacket? packet = await Connection.ReadAsync(CancellationToken.None).ConfigureAwait(false);
                silence?.Heard();
                if (packet is null || !await router.HandleAsync(this, packet).ConfigureAwait(false))
                {
                    return;
                }
            }
        }
        catch (MqttProtocolException e)
        {
            GatewayLog.BrokeProtocol(Services.Log, Client.ClientId, Client.Subject.Remote, e.Message);
            Close(e.ReasonCode, e.Message);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            Close(MqttReasonCode.Success, e.Message);
        }
        catch (Exception) when (IsClosing)
        {
            // The packet being handled lost its memory with the connection.
        }
        catch (Exception e)
        {
            GatewayLog.SessionFailed(Services.Log, Client.ClientId, e);
            Close(MqttReasonCode.UnspecifiedError, "internal error");
        }
    }

    private Task AnswerAsync(CancellationToken cancellationToken) =>
        Inbound.AnswerAllAsync(Answer, token => Connection.FlushAsync(token), cancellationToken);

    private void Answer(InboundQueue.Item item, Answer answer)
    {
        (ushort packetId, string topic) = (item.PacketId, item.Topic);
        if (item.Reply == MqttPacketType.Pubcomp)
        {
            Replies.Write(new MqttPubcompPacket { PacketId = packetId, ReasonCode = answer.Code });
            return;
        }

        if (answer.IsRefusal)
        {
            Services.Meter.PublishesRefused.Add(1);
            Received.Refuse(packetId, item.Work);
        }

        if (packetId == 0)
        {
            if (answer.IsRefusal)
            {
                GatewayLog.AtMostOnceLost(Services.Log, Client.ClientId, topic, answer.Reason ?? answer.Code.ToString());
            }
        }
        else if (answer.IsRefusal && !Client.IsV5)
        {
            GatewayLog.RefusedByClosing(Services.Log, Client.ClientId, topic, answer.Reason ?? answer.Code.ToString());
            Close(answer.Code, answer.Reason ?? string.Empty);
        }
        else
        {
            Replies.Write(item.Reply == MqttPacketType.Pubrec ? answer.ToPubrec(packetId) : answer.ToPuback(packetId));
        }
    }

    /// <summary>Runs a part of the session in the background: its failure ends the session.</summary>
    public async Task RunPartAsync(Func<CancellationToken, Task> part)
    {
        await Task.Yield();
        try
        {
            await part(Stopping).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (Stopping.IsCancellationRequested)
        {
            // The session ends.
        }
        catch (IOException e)
        {
            Close(MqttReasonCode.Success, e.Message);
        }
        catch (MqttProtocolException e)
        {
            GatewayLog.BrokeProtocol(Services.Log, Client.ClientId, Client.Subject.Remote, e.Message);
            Close(e.ReasonCode, e.Message);
        }
        catch (Exception e) when (e is TryAgainException or StorageFailedException)
        {
            // DISCONNECT has no "server unavailable"; this one too sends the client elsewhere.
            Close(MqttReasonCode.ServerShuttingDown, e.Message);
        }
        catch (InvalidFormatException e)
        {
            // What is to be read is damaged here; another cluster has it whole.
            GatewayLog.SessionFailed(Services.Log, Client.ClientId, e);
            Close(MqttReasonCode.ServerShuttingDown, "what comes next is damaged here: connect to another cluster");
        }
        catch (Exception e)
        {
            GatewayLog.SessionFailed(Services.Log, Client.ClientId, e);
            Close(MqttReasonCode.UnspecifiedError, "internal error");
        }
    }
}
