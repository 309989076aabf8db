using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>Hands each packet of a connected client to the handler of its kind.</summary>
internal sealed class PacketRouter
{
    private readonly PublishHandler _publish;
    private readonly SubscribeHandler _subscribe;
    private readonly UnsubscribeHandler _unsubscribe;
    private readonly DisconnectHandler _disconnect;
    private readonly Qos2Handler _qos2;

    public PacketRouter(GatewayServices services)
    {
        _publish = new PublishHandler(services, new PlainPublisher(services));
        _subscribe = new SubscribeHandler(services);
        _unsubscribe = new UnsubscribeHandler(_subscribe);
        _qos2 = new Qos2Handler(services);
        _disconnect = new DisconnectHandler(services);
    }

    /// <summary>Handles a packet; false when the connection ends with it.</summary>
    /// <exception cref="MqttProtocolException">The packet may not come now.</exception>
    public async ValueTask<bool> HandleAsync(MqttSession session, MqttPacket packet)
    {
        switch (packet)
        {
            case MqttPublishPacket publish:
                await _publish.HandleAsync(session, publish).ConfigureAwait(false);
                return true;
            case MqttPubackPacket puback:
                session.Delivery.Acknowledge(puback);
                await _subscribe.WriteNewsAsync(session).ConfigureAwait(false);
                return true;
            case MqttPubrecPacket pubrec:
                Qos2Handler.Handle(session, pubrec);
                return true;
            case MqttPubrelPacket pubrel:
                await _qos2.HandleAsync(session, pubrel).ConfigureAwait(false);
                return true;
            case MqttPubcompPacket pubcomp:
                Qos2Handler.Handle(session, pubcomp);
                await _subscribe.WriteNewsAsync(session).ConfigureAwait(false);
                return true;
            case MqttSubscribePacket subscribe:
                await _subscribe.HandleAsync(session, subscribe).ConfigureAwait(false);
                return true;
            case MqttUnsubscribePacket unsubscribe:
                await _unsubscribe.HandleAsync(session, unsubscribe).ConfigureAwait(false);
                return true;
            case MqttPingreqPacket:
                await _subscribe.WriteNewsAsync(session).ConfigureAwait(false);
                await session.Replies.WriteAsync(MqttPingrespPacket.Instance, session.Stopping).ConfigureAwait(false);
                return true;
            case MqttDisconnectPacket disconnect:
                _disconnect.Handle(session, disconnect);
                return false;
            case MqttAuthPacket:
                throw new MqttProtocolException(MqttReasonCode.ProtocolError, "AUTH without an authentication method in CONNECT");
            default:
                throw new MqttProtocolException(MqttReasonCode.ProtocolError, $"{packet.Type} has no place here");
        }
    }
}
