using System.Globalization;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>The answer to a client that is taken. All that the gateway announces of its limits stands here.</summary>
internal sealed class ConnackBuilder(MqttGatewayOptions options, Func<string>? path = null)
{
    /// <summary>Whether CONNACK of this version can say it. 3.1.1 has codes for versions, identifiers, access and a server that is not
    /// there for anybody now; what fits none of them is closed without a word (MQTT-3.2.2-6).</summary>
    public static bool CanSay(MqttReasonCode code, MqttVersion version) => version == MqttVersion.V5 || code is
        MqttReasonCode.UnsupportedProtocolVersion or MqttReasonCode.ClientIdentifierNotValid or MqttReasonCode.BadUserNameOrPassword
        or MqttReasonCode.NotAuthorized or MqttReasonCode.Banned or MqttReasonCode.BadAuthenticationMethod
        or MqttReasonCode.ServerUnavailable or MqttReasonCode.ServerBusy or MqttReasonCode.UseAnotherServer
        or MqttReasonCode.ServerMoved or MqttReasonCode.ConnectionRateExceeded;

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
            RetainAvailable = true,
            MaximumPacketSize = (uint)options.MaxPacketBytes,
            TopicAliasMaximum = options.TopicAliasMaximum > 0 ? (ushort)options.TopicAliasMaximum : null,
            WildcardSubscriptionAvailable = true,
            SubscriptionIdentifierAvailable = true,
            SharedSubscriptionAvailable = true,
            AssignedClientIdentifier = packet.ClientId.Length == 0 ? client.ClientId : null,
            ServerKeepAlive = client.ServerKeepAlive,
            SessionExpiryInterval = client.ExpirySeconds != (packet.Properties?.SessionExpiryInterval ?? 0) ? client.ExpirySeconds : null,
        };
        if (client.SendsBundles)
        {
            properties.Add(ProtocolTopics.BundlesProperty, Bundle.Version.ToString(CultureInfo.InvariantCulture));
            properties.Add(ProtocolTopics.ProducersProperty, SdkConnection.MaxProducersOfMany.ToString(CultureInfo.InvariantCulture));
            if (path is not null)
            {
                properties.Add(ProtocolTopics.PathProperty, path());
            }
        }

        return new MqttConnackPacket { SessionPresent = sessionPresent, Properties = properties };
    }
}
