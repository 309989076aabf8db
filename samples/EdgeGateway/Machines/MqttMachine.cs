using System.Buffers;
using System.Net.Sockets;
using Streams.Mqtt;

namespace EdgeGateway;

/// <summary>A machine that speaks MQTT 5 with a session of its own, as the standard wants it: what was sent and not answered is sent again
/// on the next connection, in its order and under its identifiers. With QoS 2 that makes each event one event; with QoS 1 what is sent
/// again may be two, which the judge is told.</summary>
/// <remarks>Failure: whatever ends a connection, it connects again after a moment. What the standard forbids the agent to do fails the
/// run.</remarks>
internal sealed class MqttMachine : IMachine
{
    private const int Window = 8;
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(20);

    private readonly Lock _gate = new();
    private readonly MachineWorld _world;
    private readonly MqttQos _qos;
    private readonly SleepPlan? _sleep;
    private readonly Random _chance;
    private readonly string _name;
    private readonly Queue<Outgoing> _pending = [];
    private readonly List<Outgoing> _underWay = [];
    private readonly HashSet<Place> _given = [];
    private readonly CancellationTokenSource _stop = new();
    private MqttConnection? _connection;
    private Task _running = Task.CompletedTask;
    private ushort _lastId;
    private int _number;
    private int _connects;
    private bool _hasSession;
    private volatile bool _isSubscribed;
    private volatile bool _isAsleep;
    private volatile bool _staysAwake;

    public MqttMachine(int index, MachineWorld world, MqttQos qos, SleepPlan? sleep, Random chance)
    {
        Index = index;
        _world = world;
        _qos = qos;
        _sleep = sleep;
        _chance = chance;
        _name = world.Devices.Names[index];
    }

    public int Index { get; }

    public string Kind => $"{(_sleep is null ? string.Empty : "sleepy, ")}QoS {(int)_qos}";

    public bool IsConnected => _isSubscribed && _connection is not null;

    public bool IsAsleep => _isAsleep;

    public int Reconnects => Math.Max(0, Volatile.Read(ref _connects) - 1);

    public int Waiting
    {
        get
        {
            lock (_gate)
            {
                return _pending.Count + _underWay.Count;
            }
        }
    }

    public void Start() => _running = RunAsync();

    /// <summary>It does not sleep any more: the run is to end.</summary>
    public void StayAwake() => _staysAwake = true;

    public void Publish(ReadOnlySpan<byte> data)
    {
        int number = ++_number;
        _world.Latencies.Published(Index);
        byte[] payload = EventText.Write(_name, number, data);
        lock (_gate)
        {
            _pending.Enqueue(new Outgoing(number, payload));
            Pump();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!_stop.IsCancellationRequested)
        {
            (TimeSpan awake, TimeSpan asleep) = _sleep is null || _staysAwake ? (Timeout.InfiniteTimeSpan, TimeSpan.Zero) : _sleep.Next();
            try
            {
                _isAsleep = await ServeAsync(awake);
            }
            catch (Exception e) when (e is SocketException or IOException or MqttConnectionClosedException or OperationCanceledException)
            {
                // The agent is not there, or went: again.
            }
            catch (Exception e)
            {
                _world.Judge.Fail($"{_name}: {e.GetType().Name}: {e.Message}");
            }

            TimeSpan pause = _isAsleep ? asleep : TimeSpan.FromMilliseconds(50 + _chance.Next(200));
            await ((Task)Task.Delay(pause, _world.Time, _stop.Token)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _isAsleep = false;
        }
    }

    // One connection, from its beginning to its end; whether the machine sleeps now.
    private async Task<bool> ServeAsync(TimeSpan awake)
    {
        using CancellationTokenSource limit = new(AnswerLimit, _world.Time);
        using CancellationTokenSource opening = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stop.Token);
        MqttConnection connection = await MqttClientTransport.ConnectAsync("127.0.0.1", _world.Port,
            new MqttDecodeOptions { Role = MqttRole.Client, Version = MqttVersion.V5 }, null, opening.Token);
        await using (connection)
        {
            await ConnectAsync(connection, opening.Token);
            Interlocked.Increment(ref _connects);
            using CancellationTokenSource tired = new(awake, _world.Time);
            using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(tired.Token, _stop.Token);
            try
            {
                while (await connection.ReadAsync(either.Token) is { } packet)
                {
                    Take(connection, packet);
                    await connection.FlushAsync(either.Token);
                }
            }
            catch (OperationCanceledException) when (tired.IsCancellationRequested && !_stop.IsCancellationRequested)
            {
                await connection.WriteAsync(new MqttDisconnectPacket(), _stop.Token);
                return true;
            }
            finally
            {
                lock (_gate)
                {
                    _connection = null;
                }
            }
        }

        return false;
    }

    private async Task ConnectAsync(MqttConnection connection, CancellationToken cancellationToken)
    {
        await connection.WriteAsync(new MqttConnectPacket
        {
            ClientId = _name,
            CleanStart = !_hasSession,
            Properties = new MqttProperties { SessionExpiryInterval = (uint)MachineWorld.SessionExpiry.TotalSeconds },
        }, cancellationToken);
        if (await connection.ReadAsync(cancellationToken) is not MqttConnackPacket { ReasonCode: MqttReasonCode.Success } connack)
        {
            throw new IOException("not let in");
        }

        if (_hasSession && !connack.SessionPresent)
        {
            _world.Judge.Fail($"the agent has forgotten the session of {_name}");
        }

        lock (_gate)
        {
            _connection = connection;
            if (!_isSubscribed)
            {
                connection.Write(new MqttSubscribePacket
                {
                    PacketId = NextId(),
                    Subscriptions = [new MqttSubscription(MachineWorld.OrderTopic(_name), MqttQos.AtLeastOnce)],
                });
            }

            foreach (Outgoing one in _underWay)
            {
                SendAgain(connection, one);
            }

            Pump();
        }

        await connection.FlushAsync(cancellationToken);
    }

    private void Take(MqttConnection connection, MqttPacket packet)
    {
        switch (packet)
        {
            case MqttPublishPacket command:
                Deliver(command);
                if (command.Qos != MqttQos.AtMostOnce)
                {
                    connection.Write(new MqttPubackPacket { PacketId = command.PacketId });
                }

                break;
            case MqttPubackPacket or MqttPubrecPacket or MqttPubcompPacket:
                Answered(connection, (MqttPublishReply)packet);
                break;
            case MqttSubackPacket suback:
                _hasSession = true;
                _isSubscribed = true;
                if (suback.ReasonCodes[0] >= MqttReasonCode.UnspecifiedError)
                {
                    _world.Judge.Fail($"{_name} may not subscribe: {suback.ReasonCodes[0]}");
                }

                break;
            case MqttDisconnectPacket:
                throw new IOException("sent away");
        }
    }

    private void Answered(MqttConnection connection, MqttPublishReply reply)
    {
        lock (_gate)
        {
            Outgoing? one = _underWay.Find(o => o.PacketId == reply.PacketId);
            if (one is null)
            {
                return;                                    // answered twice, since it was sent twice
            }

            if (reply.ReasonCode >= MqttReasonCode.UnspecifiedError && reply is not MqttPubcompPacket)
            {
                _world.Judge.Fail($"{_name}#{one.Number} was refused: {reply.ReasonCode}");
            }

            if (reply is MqttPubrecPacket)
            {
                if (!one.IsReceived)
                {
                    one.IsReceived = true;
                    _world.Acknowledged(Index, one.Number);
                }

                connection.Write(new MqttPubrelPacket { PacketId = one.PacketId });
                return;
            }

            if (reply is MqttPubackPacket)
            {
                _world.Acknowledged(Index, one.Number);
            }

            _underWay.Remove(one);
            Pump();
        }
    }

    private void Deliver(MqttPublishPacket command)
    {
        Place? place = _world.PlaceOf(name =>
        {
            foreach (MqttUserProperty property in command.Properties?.UserProperties ?? [])
            {
                if (property.Name == name)
                {
                    return property.Value;
                }
            }

            return null;
        });
        _world.Deliver(Index, command.Payload.ToArray(), place, _given);
    }

    private void SendAgain(MqttConnection connection, Outgoing one)
    {
        if (one.IsReceived)
        {
            connection.Write(new MqttPubrelPacket { PacketId = one.PacketId });
            return;
        }

        if (_qos == MqttQos.AtLeastOnce)
        {
            _world.Judge.Telemetry.AllowRepeat(Index, one.Number);
        }

        Write(connection, one, isAgain: true);
    }

    // Within the gate. A connection that is gone takes nothing; the next one is given it again.
    private void Pump()
    {
        if (_connection is not { } connection || _pending.Count == 0)
        {
            return;
        }

        try
        {
            while (_underWay.Count < Window && _pending.TryPeek(out Outgoing? one))
            {
                one.PacketId = NextId();
                _underWay.Add(one);
                _pending.Dequeue();
                Write(connection, one, isAgain: false);
            }
        }
        catch (MqttConnectionClosedException)
        {
            return;
        }

        _ = FlushAsync(connection);
    }

    private static async Task FlushAsync(MqttConnection connection)
    {
        try
        {
            await connection.FlushAsync();
        }
        catch (Exception e) when (e is IOException or MqttConnectionClosedException or ObjectDisposedException)
        {
            // Whoever reads notices it too.
        }
    }

    private void Write(MqttConnection connection, Outgoing one, bool isAgain) => connection.WritePublish(
        new MqttPublishHead
        {
            Topic = MachineWorld.TelemetryTopic(_name), Qos = _qos, PacketId = one.PacketId, Duplicate = isAgain,
        }, new ReadOnlySequence<byte>(one.Payload));

    private ushort NextId()
    {
        do
        {
            _lastId = _lastId == ushort.MaxValue ? (ushort)1 : (ushort)(_lastId + 1);
        }
        while (_underWay.Exists(o => o.PacketId == _lastId));
        return _lastId;
    }
}
