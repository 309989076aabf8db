using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>The answer to a client that is taken. All that the gateway announces of its limits stands here.</summary>
internal sealed class ConnackBuilder(MqttGatewayOptions options)
{
    /// <summary>The answer to this CONNECT, from which <paramref name="client"/> was made.</summary>
    public MqttConnackPacket Accept(MqttConnectPacket packet, ClientInfo client, bool sessionPresent)
    {
        if (!client.IsV5)
        {
            return new MqttConnackPacket { SessionPresent = sessionPresent };
        }

        MqttProperties properties = new()
        {
            ReceiveMaximum = (ushort)options.ReceiveMaximum,
            MaximumQos = MqttQos.AtLeastOnce,
            RetainAvailable = false,
            MaximumPacketSize = (uint)options.MaxPacketBytes,
            TopicAliasMaximum = options.TopicAliasMaximum > 0 ? (ushort)options.TopicAliasMaximum : null,
            WildcardSubscriptionAvailable = true,
            SubscriptionIdentifierAvailable = true,
            SharedSubscriptionAvailable = false,
            AssignedClientIdentifier = packet.ClientId.Length == 0 ? client.ClientId : null,
            ServerKeepAlive = client.ServerKeepAlive,
            SessionExpiryInterval = client.ExpirySeconds != (packet.Properties?.SessionExpiryInterval ?? 0) ? client.ExpirySeconds : null,
        };
        return new MqttConnackPacket { SessionPresent = sessionPresent, Properties = properties };
    }
}
