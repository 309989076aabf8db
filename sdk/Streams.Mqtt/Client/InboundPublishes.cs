using System.Buffers;
using System.Threading.Channels;

namespace Streams.Mqtt;

/// <summary>
/// The messages this client receives. The reader puts them, with a copy of their payload in pooled memory, into a bounded queue; one
/// loop gives them to the handler in order. So the reader goes on hearing acknowledgements and pings while the handler works.
/// A handler that throws ends the loop: the message stays unacknowledged and the connection is closed with that failure.
/// </summary>
internal sealed class InboundPublishes
{
    private readonly MqttConnection _connection;
    private readonly Func<MqttPublishPacket, ValueTask> _handler;
    private readonly MqttClientOptions _options;
    private readonly Channel<Delivery> _queue;
    private readonly Lock _gate = new();

    // QoS 1 and 2 messages that are not acknowledged to the end; true: PUBREC was sent, PUBREL is awaited.
    private readonly Dictionary<ushort, bool> _open = [];
    private readonly AsyncLocal<bool> _insideHandler = new();

    public InboundPublishes(MqttConnection connection, Func<MqttPublishPacket, ValueTask> handler, MqttClientOptions options)
    {
        _connection = connection;
        _handler = handler;
        _options = options;
        _queue = Channel.CreateBounded<Delivery>(
            new BoundedChannelOptions(options.ReceiveMaximum) { SingleReader = true, SingleWriter = true });
    }

    /// <summary>Whether the caller runs inside the handler, and so must not wait for it.</summary>
    public bool IsInsideHandler => _insideHandler.Value;

    /// <summary>Takes a message off the wire; false: the queue is full, <see cref="PutAsync"/> waits for room.</summary>
    public bool TryTake(MqttPublishPacket packet, out Delivery delivery)
    {
        delivery = default;
        if (packet.Qos != MqttQos.AtMostOnce && !Open(packet))
        {
            return true;
        }

        int length = (int)packet.Payload.Length;
        byte[]? memory = length == 0 ? null : ArrayPool<byte>.Shared.Rent(length);
        packet.Payload.CopyTo(memory);
        ReadOnlySequence<byte> payload = memory is null ? default : new ReadOnlySequence<byte>(memory, 0, length);
        delivery = new Delivery(packet.With(packet.Topic, payload), memory);
        return _queue.Writer.TryWrite(delivery);
    }

    public ValueTask PutAsync(Delivery delivery, CancellationToken cancellationToken) =>
        _queue.Writer.WriteAsync(delivery, cancellationToken);

    /// <summary>Gives messages to the handler until <see cref="Close"/> or a failure, which it throws.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        _insideHandler.Value = true;
        while (await _queue.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            while (_queue.Reader.TryRead(out Delivery delivery))
            {
                cancellationToken.ThrowIfCancellationRequested();
                await _handler(delivery.Packet).ConfigureAwait(false);
                if (_options.AutoAck && delivery.Packet.Qos != MqttQos.AtMostOnce)
                {
                    Ack(delivery.Packet, MqttReasonCode.Success, null);
                    await _connection.FlushAsync(cancellationToken).ConfigureAwait(false);
                }

                if (delivery.Memory is not null)
                {
                    ArrayPool<byte>.Shared.Return(delivery.Memory);
                }
            }
        }
    }

    public void Close() => _queue.Writer.TryComplete();

    /// <summary>Writes PUBACK or PUBREC. Throws when the message is not open, or the version cannot say the code.</summary>
    public void Ack(MqttPublishPacket packet, MqttReasonCode reason, MqttProperties? properties)
    {
        lock (_gate)
        {
            if (!_open.TryGetValue(packet.PacketId, out bool released) || released)
            {
                throw new InvalidOperationException($"Packet {packet.PacketId} does not wait for an acknowledgement.");
            }

            bool refused = reason >= MqttReasonCode.UnspecifiedError;
            if (packet.Qos == MqttQos.AtLeastOnce)
            {
                _connection.Write(new MqttPubackPacket { PacketId = packet.PacketId, ReasonCode = reason, Properties = properties });
                _open.Remove(packet.PacketId);
                return;
            }

            _connection.Write(new MqttPubrecPacket { PacketId = packet.PacketId, ReasonCode = reason, Properties = properties });
            if (refused)
            {
                _open.Remove(packet.PacketId);
            }
            else
            {
                _open[packet.PacketId] = true;
            }
        }
    }

    /// <summary>Answers PUBREL with PUBCOMP.</summary>
    public void OnPubrel(MqttPubrelPacket packet)
    {
        lock (_gate)
        {
            bool known = _open.TryGetValue(packet.PacketId, out bool acknowledged) && acknowledged && _open.Remove(packet.PacketId);
            _connection.Write(new MqttPubcompPacket
            {
                PacketId = packet.PacketId,
                ReasonCode = known ? MqttReasonCode.Success : MqttReasonCode.PacketIdentifierNotFound,
            });
        }
    }

    // False: a QoS 2 message that is here already, not to be delivered again.
    private bool Open(MqttPublishPacket packet)
    {
        lock (_gate)
        {
            if (_open.TryGetValue(packet.PacketId, out bool acknowledged))
            {
                if (packet.Qos == MqttQos.ExactlyOnce && acknowledged)
                {
                    _connection.Write(new MqttPubrecPacket { PacketId = packet.PacketId });
                }

                return false;
            }

            if (_open.Count >= _options.ReceiveMaximum && _options.EnforceReceiveMaximum && _options.Version == MqttVersion.V5)
            {
                throw new MqttProtocolException(
                    MqttReasonCode.ReceiveMaximumExceeded, $"More than {_options.ReceiveMaximum} unacknowledged messages from the server.");
            }

            _open.Add(packet.PacketId, false);
            return true;
        }
    }

    /// <summary>A message and the pooled memory of its payload.</summary>
    internal readonly record struct Delivery(MqttPublishPacket Packet, byte[]? Memory);
}
