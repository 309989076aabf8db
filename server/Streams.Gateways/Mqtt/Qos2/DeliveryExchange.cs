using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>The exchange of packets about what a client is given: PUBACK, PUBREC, PUBREL, PUBCOMP, and what of it is in the log when.
/// Belongs to the session's delivery loop.</summary>
/// <remarks>Two orders make a message of QoS 2 one message across a crash, in a session that is kept. Its identifier is in the log,
/// flushed, before its PUBLISH goes out: sent again under another one it would be another message. That the client has it (PUBREC) is in
/// the log before PUBREL goes out: behind PUBREL the client may have forgotten the identifier, and PUBLISH would be another message
/// too. One write of the window's register serves all messages that wait for it. Failure: what is thrown ends the session.</remarks>
internal sealed class DeliveryExchange(GatewayServices services, ReplyWriter replies, ClientInfo client, OutboundWindow window,
    EventPublisher publisher, ProducerId producer, string owner, Func<StreamPartition, PartitionReading> reading) : IDisposable
{
    private readonly SessionStore _sessions = new(services.Store, services.Time, services.Log);
    private readonly EventLookup _events = new(services.Store);
    private readonly List<(ushort PacketId, MqttReasonCode Code)> _releases = [];
    private readonly WindowMoment _written = new();
    private bool _mustWrite;


    /// <summary>PUBREL once more for what an earlier connection got a PUBREC for (MQTT-4.4.0-1).</summary>
    public void ReleaseRestored()
    {
        foreach ((ushort packetId, InFlight message) in window.Messages())
        {
            if (message.Released)
            {
                replies.Write(new MqttPubrelPacket { PacketId = packetId });
            }
        }
    }

    /// <summary>Takes an acknowledgement; whether it ends a message.</summary>
    public bool Take(MqttPublishReply reply, out InFlight message)
    {
        bool known = window.TryGet(reply.PacketId, out message);
        switch (reply)
        {
            case MqttPubackPacket:
                return known && message.Qos == MqttQos.AtLeastOnce && Finish(reply.PacketId, out message);
            case MqttPubrecPacket { ReasonCode: >= MqttReasonCode.UnspecifiedError }:
                return known && message is { Qos: MqttQos.ExactlyOnce, Released: false } && Finish(reply.PacketId, out message);
            case MqttPubrecPacket:
                bool? isNews = window.Receive(reply.PacketId);
                _mustWrite |= isNews == true && message.IsKept;
                _releases.Add((reply.PacketId, isNews is null ? MqttReasonCode.PacketIdentifierNotFound : MqttReasonCode.Success));
                return false;
            default:
                return known && message is { Qos: MqttQos.ExactlyOnce, Released: true } && Finish(reply.PacketId, out message);
        }
    }

    /// <summary>PUBREL for each PUBREC, in their order (MQTT-4.6.0-4), once the log has it.</summary>
    public async ValueTask ReleaseAsync(CancellationToken cancellationToken)
    {
        if (_releases.Count == 0)
        {
            return;
        }

        if (_mustWrite)
        {
            await WriteAsync(cancellationToken).ConfigureAwait(false);
        }

        foreach ((ushort packetId, MqttReasonCode code) in _releases)
        {
            replies.Write(new MqttPubrelPacket { PacketId = packetId, ReasonCode = code });
        }

        _releases.Clear();
    }

    /// <summary>Sends what waits for the window to be in the log.</summary>
    public async ValueTask SendStagedAsync(CancellationToken cancellationToken)
    {
        if (publisher.HasStaged)
        {
            await WriteAsync(cancellationToken).ConfigureAwait(false);
            publisher.WriteStaged();
        }
    }

    /// <summary>Sends what an earlier connection sent, in its order (MQTT-4.6.0-1). False when the client has to acknowledge
    /// first.</summary>
    public async ValueTask<bool> SendAgainAsync(MqttConnection connection, CancellationToken cancellationToken)
    {
        while (window.HasRoom)
        {
            if (!window.TryNextAgain(out ushort packetId, out InFlight message))
            {
                _events.Dispose();
                return true;
            }

            (EventFate fate, EventView view) = await _events.FindAsync(message.Lane, message.Offset, cancellationToken)
                .ConfigureAwait(false);
            bool isSent = fate == EventFate.Found && publisher.PublishAgain(reading(message.Partition),
                new GivenEvent(0, message.Origin, message.Offset, Release.None, view), packetId, message.Qos);
            if (!isSent && fate != EventFate.NotHereYet)
            {
                window.Remove(packetId, remembers: false, out _);     // there is nothing left to send: the reader steps over it too
            }

            if (connection.UnflushedBytes >= services.Options.WriteBufferBytes)
            {
                await connection.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        return false;
    }

    /// <summary>Writes down what is kept of the window.</summary>
    /// <exception cref="TryAgainException">A newer connection has gone on with the session.</exception>
    public async ValueTask WriteAsync(CancellationToken cancellationToken)
    {
        _mustWrite = false;
        byte[] record = window.IsKept ? WindowRecord.Write(window, producer) : [];
        await _sessions.WriteWindowAsync(client.ClientId, owner, record, _written, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Lets go of what was read.</summary>
    public void Dispose() => _events.Dispose();

    // What its reader is still to give, or may give again after a crash, must be known to be finished; where nobody reads, nobody gives.
    private bool Finish(ushort packetId, out InFlight message)
    {
        window.TryGet(packetId, out message);
        bool remembers = message.IsKept && (message.Reading ?? reading(message.Partition)) is { IsEnded: false }
            && (message.Qos == MqttQos.ExactlyOnce || message.Reading is null);
        return window.Remove(packetId, remembers, out message);
    }

}
