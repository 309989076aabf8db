using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>DISCONNECT from a client.</summary>
internal sealed class DisconnectHandler(GatewayServices services)
{
    /// <summary>Takes note of how the client goes. It may shorten or lengthen the life of a session, but not make one outlive the
    /// connection that began without.</summary>
    public void Handle(MqttSession session, MqttDisconnectPacket packet)
    {
        if (packet.Properties?.SessionExpiryInterval is { } expiry)
        {
            if (expiry > 0 && !session.Client.IsPersistent)
            {
                throw new MqttProtocolException(MqttReasonCode.ProtocolError,
                    "a session that began without expiry cannot get one at its end");
            }

            session.Client.ExpirySeconds = ConnectHandler.Limit(expiry, services.Options);
        }

        // Only success takes the will back, and not when the packet is itself a fault.
        session.SaidGoodbye = packet.ReasonCode == MqttReasonCode.Success;
        session.Close(MqttReasonCode.Success, "the client said goodbye");
    }
}
