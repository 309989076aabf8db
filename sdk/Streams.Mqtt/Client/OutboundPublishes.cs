using System.Buffers;

namespace Streams.Mqtt;

/// <summary>
/// The messages this client sends: those in flight, and those that wait because the window (the server's receive maximum) or the
/// send buffer is full. The order of the calls is the order of the wire. Both tables are bounded.
/// Failure: <see cref="Fail"/> completes everything with the failure, and every later call.
/// </summary>
internal sealed class OutboundPublishes
{
    private readonly MqttConnection _connection;
    private readonly PacketIds _ids;
    private readonly Lock _gate;
    private readonly MqttClientOptions _options;
    private readonly int _window;
    private readonly Action<Exception> _onFailure;
    private readonly Dictionary<ushort, OutboundPublish> _inFlight = [];
    private readonly Queue<OutboundPublish> _waiting = [];
    private Exception? _failure;
    private bool _flushing;

    public OutboundPublishes(
        MqttConnection connection, PacketIds ids, Lock gate, MqttClientOptions options, int window, Action<Exception> onFailure)
    {
        _connection = connection;
        _ids = ids;
        _gate = gate;
        _options = options;
        _window = window;
        _onFailure = onFailure;
    }

    /// <summary>Sends or queues; the task ends with the acknowledgement, for QoS 0 when written.</summary>
    public OutboundPublish Send(in MqttPublishHead head, in ReadOnlySequence<byte> payload)
    {
        OutboundPublish publish = new(head, payload);
        lock (_gate)
        {
            if (_failure is not null)
            {
                throw _failure;
            }

            if (_waiting.Count > 0 || !HasRoom(publish))
            {
                if (_waiting.Count >= _options.MaximumWaiting)
                {
                    throw new InvalidOperationException($"{_options.MaximumWaiting} publishes wait already: await some of them.");
                }

                _waiting.Enqueue(publish);
            }
            else
            {
                Start(publish);
            }
        }

        Flush();
        return publish;
    }

    /// <summary>Takes PUBACK, PUBREC or PUBCOMP. Throws <see cref="MqttProtocolException"/> when it answers nothing.</summary>
    public void OnReply(MqttPublishReply reply)
    {
        lock (_gate)
        {
            if (!_inFlight.TryGetValue(reply.PacketId, out OutboundPublish? publish))
            {
                OnStray(reply);
            }
            else if (publish.Awaits != reply.Type)
            {
                throw Refuse.Protocol($"{reply.Type} for packet {reply.PacketId}, which waits for {publish.Awaits}.");
            }
            else if (reply is MqttPubrecPacket && reply.ReasonCode < MqttReasonCode.UnspecifiedError)
            {
                publish.Awaits = MqttPacketType.Pubcomp;
                _connection.Write(new MqttPubrelPacket { PacketId = reply.PacketId });
            }
            else
            {
                _inFlight.Remove(reply.PacketId);
                _ids.Release(reply.PacketId);
                publish.TrySetResult(new MqttPublishResult(reply.ReasonCode, reply.Properties));
            }

            StartWaiting();
        }

        Flush();
    }

    public void Fail(Exception failure)
    {
        List<OutboundPublish> all;
        lock (_gate)
        {
            _failure ??= failure;
            all = [.. _inFlight.Values, .. _waiting];
            _inFlight.Clear();
            _waiting.Clear();
        }

        foreach (OutboundPublish publish in all)
        {
            publish.TrySetException(failure);
            _ = publish.Task.Exception;
        }
    }

    // An answer to a message of an earlier connection of the session: let the server end its exchange.
    private void OnStray(MqttPublishReply reply)
    {
        if (reply is MqttPubackPacket)
        {
            throw Refuse.Protocol($"PUBACK for packet {reply.PacketId}, which is not in flight.");
        }

        if (reply is MqttPubrecPacket && reply.ReasonCode < MqttReasonCode.UnspecifiedError)
        {
            _connection.Write(new MqttPubrelPacket { PacketId = reply.PacketId, ReasonCode = MqttReasonCode.PacketIdentifierNotFound });
        }
    }

    private bool HasRoom(OutboundPublish publish) =>
        _connection.UnflushedBytes < _options.SendBufferBytes
        && (publish.Head.Qos == MqttQos.AtMostOnce || _inFlight.Count < _window);

    // Under the gate: takes an identifier and the place on the wire. What cannot be written fails its own call only.
    private void Start(OutboundPublish publish)
    {
        MqttPublishHead head = publish.Head;
        try
        {
            if (head.Qos != MqttQos.AtMostOnce)
            {
                ushort id = _ids.Take();
                head = publish.Head = head with { PacketId = id };
                publish.Awaits = head.Qos == MqttQos.AtLeastOnce ? MqttPacketType.Puback : MqttPacketType.Pubrec;
                _inFlight.Add(id, publish);
            }

            _connection.WritePublish(head, publish.Payload);
            if (head.Qos == MqttQos.AtMostOnce)
            {
                publish.TrySetResult(default);
            }
        }
        catch (Exception e)
        {
            _inFlight.Remove(head.PacketId);
            _ids.Release(head.PacketId);
            publish.TrySetException(e);
        }

        publish.Payload = default;
    }

    private void StartWaiting()
    {
        while (_waiting.TryPeek(out OutboundPublish? publish) && (publish.Task.IsCompleted || HasRoom(publish)))
        {
            _waiting.Dequeue();
            if (!publish.Task.IsCompleted)
            {
                Start(publish);
            }
        }
    }

    /// <summary>
    /// Sends what was written, without waiting: at most one flush runs, and when it ends there may be room for those who wait.
    /// </summary>
    public void Flush()
    {
        lock (_gate)
        {
            if (_flushing || _failure is not null)
            {
                return;
            }

            _flushing = true;
        }

        _ = FlushAsync();
    }

    private async Task FlushAsync()
    {
        try
        {
            while (true)
            {
                await _connection.FlushAsync().ConfigureAwait(false);
                lock (_gate)
                {
                    StartWaiting();
                    if (_connection.UnflushedBytes == 0)
                    {
                        _flushing = false;
                        return;
                    }
                }
            }
        }
        catch (Exception e)
        {
            // The peer may still be heard: a connection that cannot be written is over all the same.
            _onFailure(e);
        }
    }
}
