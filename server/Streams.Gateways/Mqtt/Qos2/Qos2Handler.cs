using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>PUBREL of a client for what it published, PUBREC and PUBCOMP for what it was given.</summary>
/// <remarks>The order that is safe: an identifier is free in the log, flushed, before PUBCOMP says so. A crash before that leaves it in
/// use, and the client, which has no PUBCOMP, sends PUBREL again. The other way round the client could use it for another message, which
/// would be taken for a repeat.</remarks>
internal sealed class Qos2Handler(GatewayServices services)
{
    private static readonly Answer s_notFound = new(MqttReasonCode.PacketIdentifierNotFound);

    /// <summary>The client has a message that it was given.</summary>
    public static void Handle(MqttSession session, MqttPubrecPacket packet)
    {
        session.StartDelivery();                       // it answers, also where nothing was given
        session.Delivery.Acknowledge(packet);
    }

    /// <summary>The client lets go of the identifier of a message that it published.</summary>
    public ValueTask HandleAsync(MqttSession session, MqttPubrelPacket packet)
    {
        bool known = session.Received.Release(packet.PacketId);
        Task<Answer> work = session.Client.UsesLog ? ClearAsync(session, packet.PacketId, known)
            : Task.FromResult(known ? Answer.Taken : s_notFound);
        return session.Inbound.AddAsync(MqttPacketType.Pubcomp, packet.PacketId, string.Empty, work, 0, session.Stopping);
    }

    /// <summary>The client lets go of the identifier of a message that it was given.</summary>
    public static void Handle(MqttSession session, MqttPubcompPacket packet) => session.Delivery.Acknowledge(packet);

    // What fails ends the session: PUBREL cannot be refused, and the client sends it again over its next connection.
    private async Task<Answer> ClearAsync(MqttSession session, ushort packetId, bool known)
    {
        bool was = await services.Store.ClearMarkAsync(ReceivedMarks.Of(session, packetId), CancellationToken.None).ConfigureAwait(false);
        return was || known ? Answer.Taken : s_notFound;
    }
}
