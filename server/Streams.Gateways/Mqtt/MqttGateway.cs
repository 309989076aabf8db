using System.Collections.Concurrent;
using System.Globalization;
using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>MQTT 5 and 3.1.1 on top of the log: plain clients and, over the same connection, the SDK (docs/mqtt.md,
/// docs/sdk-protocol.md).</summary>
/// <remarks>Safe for use by many threads. A connection that fails ends alone. Dispose after <see cref="DrainAsync"/>.</remarks>
public sealed partial class MqttGateway : IDisposable
{
    // An identifier, user name and password, a will of 64 KiB and its properties: who has not said who it is may fill no more memory.
    private const int MaxConnectBytes = 192 << 10;

    // Connections over the limit are read only to be told so; beyond this many they are closed without a word.
    private const int MaxRefusing = 256;

    private readonly ConcurrentDictionary<string, MqttSession> _sessions = new(StringComparer.Ordinal);
    private readonly GatewayServices _services;
    private readonly PacketRouter _router;
    private readonly ConnectHandler _connect;
    private readonly ConnackBuilder _connack;
    private readonly SessionStore _records;
    private readonly TakeOvers _takeOvers = new();
    private readonly AcceptGate _gate;
    private readonly HintBoard _hints;
    private readonly Random _chance;
    private readonly Lock _chanceLock = new();
    private int _connections;
    private volatile bool _draining;

    /// <summary>A gateway over a store.</summary>
    /// <param name="store">The log.</param>
    /// <param name="horizon">What can still come over links.</param>
    /// <param name="access">Asked on every path.</param>
    /// <param name="options">Limits and times.</param>
    /// <param name="time">The clock.</param>
    /// <param name="chance">For assigned client ids and the names of connections.</param>
    /// <param name="log">Where it says what happens.</param>
    /// <param name="clients">Finds out who connects; <see langword="null"/> to take clients for who they say they are.</param>
    /// <param name="path">Where what is stored here goes on to, as <see cref="ProtocolTopics.PathProperty"/> names it;
    /// <see langword="null"/> at a cluster.</param>
    /// <exception cref="ConfigurationException">The options are not valid.</exception>
    public MqttGateway(IEventStore store, ILaneHorizon horizon, IAccessPolicy access, MqttGatewayOptions options, TimeProvider time,
        Random chance, ILogger<MqttGateway> log, IClientAuthentication? clients = null, Func<string>? path = null)
    {
        _chance = chance;
        StreamRoster roster = new(store, time);
        _services = new GatewayServices(store, horizon, access, options.Validate(), time, log, new GatewayMeter(() => Status), roster)
        {
            Clients = clients,
            Path = path,
        };
        _router = new PacketRouter(_services);
        _connect = new ConnectHandler(_services, () => "auto-" + NewName());
        _connack = new ConnackBuilder(_services.Options, path);
        _records = new SessionStore(store, time, log);
        _gate = new AcceptGate(_services);
        _services.Keeper = new SessionKeeper(_services, id => _sessions.GetValueOrDefault(id), HasKept, NewProducer(), NewEpoch());
        _hints = new HintBoard(_services, () => _sessions.Count, () => _sessions.Values);
    }

    /// <summary>What the gateway has now.</summary>
    public GatewayStatus Status
    {
        get
        {
            int sessions = 0;
            int persistent = 0;
            int subscriptions = 0;
            foreach (MqttSession session in _sessions.Values)
            {
                sessions++;
                persistent += session.Client.IsPersistent ? 1 : 0;
                subscriptions += session.SubscriptionCount;
            }

            return new GatewayStatus(Volatile.Read(ref _connections), sessions, persistent, subscriptions, _draining,
                _hints?.Told.Window ?? TimeSpan.Zero) { Shares = _services?.Shares.Count ?? 0 };
        }
    }

    /// <summary>Connections over which an endpoint need not hand any over, nor do what comes before that (TLS): they would be closed
    /// without a word.</summary>
    public long MaxConnections => (long)_services.Options.MaxConnections + MaxRefusing;

    /// <summary>What clients are told to do when this cluster is lost.</summary>
    internal HintBoard Hints => _hints;

    /// <summary>Serves one connection until it ends, and completes its pipe. Throws nothing but for a fault of the gateway
    /// itself.</summary>
    /// <param name="transport">The bytes of the client.</param>
    /// <param name="remote">The client's address, for people.</param>
    /// <param name="cancellationToken">Ends the connection: the client is told that the server shuts down.</param>
    public Task ServeAsync(IDuplexPipe transport, string remote, CancellationToken cancellationToken) =>
        ServeAsync(transport, new ClientOrigin(remote), cancellationToken);

    /// <inheritdoc cref="ServeAsync(IDuplexPipe, string, CancellationToken)"/>
    /// <param name="transport">The bytes of the client.</param>
    /// <param name="origin">Where the client comes from.</param>
    /// <param name="cancellationToken">Ends the connection: the client is told that the server shuts down.</param>
    public async Task ServeAsync(IDuplexPipe transport, ClientOrigin origin, CancellationToken cancellationToken)
    {
        string remote = origin.Remote;
        int most = Math.Min(MaxConnectBytes, _services.Options.MaxPacketBytes);
        MqttDecodeOptions decode = new() { MaximumPacketSize = most, Topics = new TopicNameCache() };
        MqttConnection connection = new(transport, decode);
        await using (connection.ConfigureAwait(false))
        {
            int open = Interlocked.Increment(ref _connections);
            bool hasRoom = open <= _services.Options.MaxConnections;
            try
            {
                if (open > MaxConnections)
                {
                    _services.Meter.Refusals.Add(1);
                    return;
                }

                if (await ReadConnectAsync(connection, remote, cancellationToken).ConfigureAwait(false) is { } packet)
                {
                    connection.AllowPacketSize(_services.Options.MaxPacketBytes);
                    await ServeAsync(connection, packet, origin, hasRoom, cancellationToken).ConfigureAwait(false);
                }
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                GatewayLog.Refused(_services.Log, remote, e.Message);
            }
            finally
            {
                Interlocked.Decrement(ref _connections);
            }
        }
    }

    /// <summary>Takes no new connections, sends every client elsewhere (DISCONNECT 0x8B), and waits until their cursors are committed,
    /// at most <paramref name="limit"/>.</summary>
    public async Task DrainAsync(TimeSpan limit)
    {
        _draining = true;
        MqttSession[] sessions = [.. _sessions.Values];
        GatewayLog.Draining(_services.Log, sessions.Length);
        foreach (MqttSession session in sessions)
        {
            session.Close(MqttReasonCode.ServerShuttingDown, "the server is shutting down: connect to another cluster");
        }

        try
        {
            await Task.WhenAll(sessions.Select(static s => s.Ended)).WaitAsync(limit, _services.Time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            GatewayLog.CloseTooSlow(_services.Log, $"{sessions.Count(static s => !s.Ended.IsCompleted)} clients", limit);
        }

        try
        {
            await _services.Keeper.StopAsync().WaitAsync(limit, _services.Time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // What it was doing it or the next process does again.
        }
    }

    /// <summary>Stops what runs beside the connections.</summary>
    public void Dispose()
    {
        _services.Keeper.Dispose();
        _hints.Dispose();
        _services.Roster.Dispose();
        _services.Meter.Dispose();
    }

    private async Task<MqttConnectPacket?> ReadConnectAsync(MqttConnection connection, string remote, CancellationToken cancellationToken)
    {
        using CancellationTokenSource timeout = new(_services.Options.ConnectTimeout, _services.Time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return await connection.ReadAsync(either.Token).ConfigureAwait(false) as MqttConnectPacket;
        }
        catch (OperationCanceledException)
        {
            _services.Meter.Refusals.Add(1);
            GatewayLog.Refused(_services.Log, remote, $"no CONNECT within {_services.Options.ConnectTimeout}");
        }
        catch (MqttProtocolException e)
        {
            await RefuseUnreadAsync(connection, remote, e).ConfigureAwait(false);
        }

        return null;
    }

    private async Task ServeAsync(MqttConnection connection, MqttConnectPacket packet, ClientOrigin origin, bool hasRoom,
        CancellationToken cancellationToken)
    {
        string remote = origin.Remote;
        ReplyWriter replies = new(connection, packet);
        if (_draining)
        {
            await RefuseAsync(replies, remote,
                Elsewhere.Connack("the server is shutting down", _services.Options.ServerReference)).ConfigureAwait(false);
            return;
        }

        (MqttReasonCode Code, string Reason)? refusal =
            hasRoom ? null : (MqttReasonCode.ServerBusy, $"{_services.Options.MaxConnections} connections are open");
        AccessSubject? subject = refusal is null ? await ClientSignIn.AskAsync(_services, origin.Subject(packet), packet.Password,
            cancellationToken).ConfigureAwait(false) : null;
        ClientInfo? client = null;
        refusal ??= subject is null ? ClientSignIn.Refusal : _connect.Read(packet, subject, out client);
        if (refusal is { } refused)
        {
            await RefuseAsync(replies, remote, refused.Code, refused.Reason).ConfigureAwait(false);
            return;
        }

        if (_gate.TryEnter() is { } busy)
        {
            await AnswerAsync(replies, busy).ConfigureAwait(false);
            return;
        }

        MqttSession? session = null;
        try
        {
            (session, bool present) =
                await BeginAsync(connection, replies, packet, client!, remote, cancellationToken).ConfigureAwait(false);
            if (session is not null)
            {
                await RunAsync(session, packet, remote, present, cancellationToken).ConfigureAwait(false);
                return;
            }

            await RefuseAsync(replies, remote, MqttReasonCode.ServerBusy,
                "a newer connection with this client id came").ConfigureAwait(false);
        }
        catch (StreamsException e)
        {
            await RefuseAsync(replies, remote, MqttReasonCode.ServerUnavailable, e.Message).ConfigureAwait(false);
        }
        finally
        {
            if (session is not null)
            {
                // Whatever happened, it ends: a newer connection of the client may be waiting for that.
                session.Dispose();
                Forget(session);
            }
        }
    }

    private void Forget(MqttSession session) =>
        _sessions.TryRemove(new KeyValuePair<string, MqttSession>(session.Client.ClientId, session));

    // Once begun, the session runs to its end before this returns or throws.
    private async Task RunAsync(MqttSession session, MqttConnectPacket packet, string remote, bool present,
        CancellationToken cancellationToken)
    {
        GatewayLog.Connected(_services.Log, session.Client.ClientId, remote, session.Client.Version.ToString(), present);
        _services.Meter.Connects.Add(1);
        try
        {
            session.Replies.Write(_connack.Accept(packet, session.Client, present));
            _hints.Greet(session);
        }
        catch (MqttConnectionClosedException)
        {
            // Taken over before its CONNACK. The session runs nevertheless: it ends at once, and tells the newer one, which waits for that.
        }
        catch (MqttProtocolException e)
        {
            session.Close(e.ReasonCode, e.Message);
        }

        if (session.Delivery.Subscriptions.Count > 0 || session.Delivery.HasUnfinished)
        {
            SubscribeHandler.Summarise(session);
            await JoinAgainAsync(session).ConfigureAwait(false);
            session.StartDelivery();
        }

        Task run = session.RunAsync(_router, cancellationToken);
        if (_draining)
        {
            session.Close(MqttReasonCode.ServerShuttingDown, "the server is shutting down");
        }

        try
        {
            await session.Connection.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (IOException)
        {
            // The client is gone; the session sees it too.
        }
        finally
        {
            await run.ConfigureAwait(false);
        }
    }

    // A session that cannot be a member of its groups ends: its client would wait for nothing.
    private static async ValueTask JoinAgainAsync(MqttSession session)
    {
        try
        {
            if (await SubscribeHandler.JoinAgainAsync(session, CancellationToken.None).ConfigureAwait(false) is { } refusal)
            {
                session.Close(refusal.Code, refusal.Reason!);
            }
        }
        catch (StreamsException e)
        {
            session.Close(MqttReasonCode.ServerShuttingDown, e.Message);
        }
    }

    // A newer connection of the same client wins; the older one commits its cursors first. False when one newer still has come.
    private async Task<bool> TakeOverAsync(string clientId, long ticket, string remote, CancellationToken cancellationToken)
    {
        while (_sessions.TryGetValue(clientId, out MqttSession? older))
        {
            // Asked after the session was found: then that one is older indeed, and no newer connection's is closed.
            if (!_takeOvers.IsNewest(clientId, ticket))
            {
                return false;
            }

            if (older.Close(MqttReasonCode.SessionTakenOver, "another connection came with the same client id"))
            {
                GatewayLog.TakenOver(_services.Log, clientId, remote);
            }

            await older.Ended.WaitAsync(cancellationToken).ConfigureAwait(false);
            Forget(older);
        }

        return _takeOvers.IsNewest(clientId, ticket);
    }

    // No session when a newer connection of the client came meanwhile. The newest never gives way: one is left in the end.
    private async Task<(MqttSession? Session, bool Present)> BeginAsync(MqttConnection connection, ReplyWriter replies,
        MqttConnectPacket packet, ClientInfo client, string remote, CancellationToken cancellationToken)
    {
        long ticket = _takeOvers.Come(client.ClientId);
        try
        {
            await _services.Keeper.ReadyAsync(cancellationToken).ConfigureAwait(false);
            while (await TakeOverAsync(client.ClientId, ticket, remote, cancellationToken).ConfigureAwait(false))
            {
                await _services.Keeper.Gate.EnterAsync(client.ClientId, cancellationToken).ConfigureAwait(false);
                MqttSession? session;
                bool isKept;
                try
                {
                    session = TryBegin(connection, replies, packet, client, out isKept);
                }
                finally
                {
                    _services.Keeper.Gate.Leave(client.ClientId);
                }

                if (session is not null)
                {
                    _takeOvers.Leave(client.ClientId, ticket);
                    await KeepAsync(session, isKept).ConfigureAwait(false);
                    return (session, isKept);
                }
            }

            return (null, false);
        }
        finally
        {
            _takeOvers.Leave(client.ClientId, ticket);
        }
    }

    // None when another connection of the client was faster.
    private MqttSession? TryBegin(MqttConnection connection, ReplyWriter replies, MqttConnectPacket packet, ClientInfo client,
        out bool isKept)
    {
        SessionRecord? kept = packet.CleanStart || _services.Keeper.IsOver(client.ClientId) ? null : _records.Find(client.ClientId);
        isKept = kept is not null;
        client.UsesLog = client.IsPersistent || isKept;
        ProducerId producer = kept is { Producer: var known } && known != default ? known : NewProducer();
        MqttSession session = new(_services, connection, replies, client, kept?.Subscriptions ?? new SessionSubscriptions(),
            $"{_services.Store.Origin}/{NewName()}", producer, ExchangeState.Load(_services, client, producer, isKept));
        if (_sessions.TryAdd(client.ClientId, session))
        {
            _services.Keeper.Back(client.ClientId);
            return session;
        }

        session.Dispose();
        return null;
    }

    // Record and will are written, flushed, before the client is told that its session is kept.
    private async Task KeepAsync(MqttSession session, bool isKept)
    {
        string clientId = session.Client.ClientId;
        try
        {
            await _services.Keeper.Wills.EndEarlierAsync(session, isKept).ConfigureAwait(false);
            await Task.WhenAll(_services.Keeper.Wills.StoreAsync(session), WriteRecordAsync(session)).ConfigureAwait(false);
        }
        catch
        {
            await _services.Keeper.Wills.RetractAsync(session).ConfigureAwait(false);
            session.Dispose();
            Forget(session);
            _services.Keeper.Unwritten(clientId);
            throw;
        }
    }

    private async Task WriteRecordAsync(MqttSession session)
    {
        string clientId = session.Client.ClientId;
        if (session.Client.UsesLog)
        {
            byte[] record = SessionRecordFormat.Write(SessionRecord.Of(session));
            await _records.WriteAsync(clientId, record, CancellationToken.None).ConfigureAwait(false);
        }
        else if (_records.Has(clientId))
        {
            await _records.RemoveAsync(clientId, CancellationToken.None).ConfigureAwait(false);
        }
    }

    // No CONNACK to what is not MQTT, nor, in 3.1.1, to a CONNECT that is malformed: it has no code for that.
    private async Task RefuseUnreadAsync(MqttConnection connection, string remote, MqttProtocolException fault)
    {
        if (fault.AnswerIn is not { } version || !ConnackBuilder.CanSay(fault.ReasonCode, version))
        {
            _services.Meter.Refusals.Add(1);
            GatewayLog.Refused(_services.Log, remote, fault.Message);
            return;
        }

        connection.AnswerVersion = version;
        ReplyWriter replies = new(connection, new MqttConnectPacket { Version = version });
        await RefuseAsync(replies, remote, fault.ReasonCode, fault.Message).ConfigureAwait(false);
    }

    private Task RefuseAsync(ReplyWriter replies, string remote, MqttReasonCode code, string reason) =>
        RefuseAsync(replies, remote,
            new MqttConnackPacket { ReasonCode = code, Properties = new MqttProperties { ReasonString = reason } });

    private async Task RefuseAsync(ReplyWriter replies, string remote, MqttConnackPacket packet)
    {
        _services.Meter.Refusals.Add(1);
        GatewayLog.Refused(_services.Log, remote, packet.Properties!.ReasonString!);
        if (ConnackBuilder.CanSay(packet.ReasonCode, replies.Version))
        {
            await AnswerAsync(replies, packet).ConfigureAwait(false);
        }
    }

    private async Task AnswerAsync(ReplyWriter replies, MqttConnackPacket packet)
    {
        using CancellationTokenSource limit = new(_services.Options.CloseTimeout, _services.Time);
        try
        {
            await replies.WriteAsync(packet, limit.Token).ConfigureAwait(false);
        }
        catch (MqttProtocolException)
        {
            // There is no way to say this in the version that the client speaks, or in as few bytes as it takes.
        }
    }

    private ProducerId NewProducer() => Chance(ProducerId.Create);

    private ulong NewEpoch() => Chance(static chance => (ulong)chance.NextInt64(1, long.MaxValue));

    private string NewName() => Chance(static chance => chance.NextInt64().ToString("x16", CultureInfo.InvariantCulture));

    private bool HasKept() => _sessions.Any(static s => s.Value.Client.IsPersistent);

    private T Chance<T>(Func<Random, T> make)
    {
        lock (_chanceLock)
        {
            return make(_chance);
        }
    }
}
