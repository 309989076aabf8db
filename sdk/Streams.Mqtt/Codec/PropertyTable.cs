using static Streams.Mqtt.MqttPacketType;

namespace Streams.Mqtt;

/// <summary>Where each property may stand (MQTT 5, table 2-4), as a set of bits: one per packet type, bit 0 for the will.</summary>
internal static class PropertyTable
{
    public const uint Will = 1;

    private const uint Everywhere = 0xFFFF & ~((1u << (int)Pingreq) | (1u << (int)Pingresp));

    public static uint Place(MqttPacketType type) => 1u << (int)type;

    /// <summary>The places of a property; 0 for an identifier that the standard does not know.</summary>
    public static uint PlacesOf(MqttPropertyId id) => id switch
    {
        MqttPropertyId.PayloadFormatIndicator or MqttPropertyId.MessageExpiryInterval or MqttPropertyId.ContentType
            or MqttPropertyId.ResponseTopic or MqttPropertyId.CorrelationData => Place(Publish) | Will,
        MqttPropertyId.WillDelayInterval => Will,
        MqttPropertyId.TopicAlias => Place(Publish),
        MqttPropertyId.SubscriptionIdentifier => Place(Publish) | Place(Subscribe),
        MqttPropertyId.SessionExpiryInterval => Place(Connect) | Place(Connack) | Place(Disconnect),
        MqttPropertyId.AuthenticationMethod or MqttPropertyId.AuthenticationData => Place(Connect) | Place(Connack) | Place(Auth),
        MqttPropertyId.RequestProblemInformation or MqttPropertyId.RequestResponseInformation => Place(Connect),
        MqttPropertyId.ReceiveMaximum or MqttPropertyId.TopicAliasMaximum or MqttPropertyId.MaximumPacketSize =>
            Place(Connect) | Place(Connack),
        MqttPropertyId.AssignedClientIdentifier or MqttPropertyId.ServerKeepAlive or MqttPropertyId.ResponseInformation
            or MqttPropertyId.MaximumQos or MqttPropertyId.RetainAvailable or MqttPropertyId.WildcardSubscriptionAvailable
            or MqttPropertyId.SubscriptionIdentifierAvailable or MqttPropertyId.SharedSubscriptionAvailable => Place(Connack),
        MqttPropertyId.ServerReference => Place(Connack) | Place(Disconnect),
        MqttPropertyId.ReasonString => Place(Connack) | Place(Puback) | Place(Pubrec) | Place(Pubrel) | Place(Pubcomp)
            | Place(Suback) | Place(Unsuback) | Place(Disconnect) | Place(Auth),
        MqttPropertyId.UserProperty => Everywhere,
        _ => 0,
    };

    public static string NameOf(uint place) =>
        place == Will ? "a will" : ((MqttPacketType)System.Numerics.BitOperations.Log2(place)).ToString();
}
