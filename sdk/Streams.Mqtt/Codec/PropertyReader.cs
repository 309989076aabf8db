using static Streams.Mqtt.MqttPropertyId;

namespace Streams.Mqtt;

/// <summary>
/// Reads a property block. An unknown identifier or one in the wrong packet is malformed; a repetition (but of user properties, and
/// of subscription identifiers in PUBLISH) and a value out of range are protocol errors.
/// </summary>
internal static class PropertyReader
{
    /// <summary>Reads the block with its length; <see langword="null"/> when it is empty.</summary>
    public static MqttProperties? Read(ref BodyReader body, uint place, MqttDecodeOptions options)
    {
        uint length = body.ReadVariable("property length");
        if (length == 0)
        {
            return null;
        }

        long outer = body.Enter(length, "properties");
        MqttProperties properties = new();
        ulong seen = 0;
        while (!body.AtEnd)
        {
            uint number = body.ReadVariable("property identifier");
            MqttPropertyId id = number <= (uint)SharedSubscriptionAvailable ? (MqttPropertyId)number : 0;
            Check(id, number, place, ref seen);
            if (!ReadShared(ref body, id, properties, options))
            {
                ReadConnection(ref body, id, properties);
            }
        }

        body.Leave(outer);
        if (properties.AuthenticationData is not null && properties.AuthenticationMethod is null)
        {
            throw Refuse.Protocol("Authentication data without authentication method.");
        }

        return properties;
    }

    private static void Check(MqttPropertyId id, uint number, uint place, ref ulong seen)
    {
        uint places = PropertyTable.PlacesOf(id);
        if (places == 0)
        {
            throw Refuse.Malformed($"Property identifier {number} is not known.");
        }

        if ((places & place) == 0)
        {
            throw Refuse.Malformed($"Property {id} is not allowed in {PropertyTable.NameOf(place)}.");
        }

        bool repeatable = id == UserProperty
            || (id == SubscriptionIdentifier && place == PropertyTable.Place(MqttPacketType.Publish));
        ulong bit = 1ul << (int)id;
        if ((seen & bit) != 0 && !repeatable)
        {
            throw Refuse.Protocol($"Property {id} stands twice in {PropertyTable.NameOf(place)}.");
        }

        seen |= bit;
    }

    // What messages, answers and requests carry. False: the identifier is none of these.
    private static bool ReadShared(ref BodyReader body, MqttPropertyId id, MqttProperties p, MqttDecodeOptions options)
    {
        switch (id)
        {
            case UserProperty:
                Limit(p.UserList?.Count ?? 0, options, "user properties");
                p.Add(body.ReadString("user property name"), body.ReadString("user property value"));
                break;
            case SubscriptionIdentifier:
                Limit(p.SubscriptionList?.Count ?? 0, options, "subscription identifiers");
                p.AddSubscription(NotZero(body.ReadVariable("subscription identifier"), id));
                break;
            case PayloadFormatIndicator:
                p.PayloadIsText = Flag(ref body, id);
                break;
            case MessageExpiryInterval:
                p.MessageExpiryInterval = body.ReadUInt32("message expiry interval");
                break;
            case ContentType:
                p.ContentType = body.ReadString("content type");
                break;
            case ResponseTopic:
                p.ResponseTopic = Topic(body.ReadString("response topic"));
                break;
            case CorrelationData:
                p.CorrelationData = body.ReadBinary("correlation data");
                break;
            case TopicAlias:
                p.TopicAlias = Alias(body.ReadUInt16("topic alias"));
                break;
            case WillDelayInterval:
                p.WillDelayInterval = body.ReadUInt32("will delay interval");
                break;
            case ReasonString:
                p.ReasonString = body.ReadString("reason string");
                break;
            default:
                return false;
        }

        return true;
    }

    // What CONNECT, CONNACK, DISCONNECT and AUTH agree on.
    private static void ReadConnection(ref BodyReader body, MqttPropertyId id, MqttProperties p)
    {
        switch (id)
        {
            case SessionExpiryInterval:
                p.SessionExpiryInterval = body.ReadUInt32("session expiry interval");
                break;
            case AssignedClientIdentifier:
                p.AssignedClientIdentifier = body.ReadString("assigned client identifier");
                break;
            case ServerKeepAlive:
                p.ServerKeepAlive = body.ReadUInt16("server keep alive");
                break;
            case AuthenticationMethod:
                p.AuthenticationMethod = body.ReadString("authentication method");
                break;
            case AuthenticationData:
                p.AuthenticationData = body.ReadBinary("authentication data");
                break;
            case RequestProblemInformation:
                p.RequestProblemInformation = Flag(ref body, id);
                break;
            case RequestResponseInformation:
                p.RequestResponseInformation = Flag(ref body, id);
                break;
            case ResponseInformation:
                p.ResponseInformation = body.ReadString("response information");
                break;
            case ServerReference:
                p.ServerReference = body.ReadString("server reference");
                break;
            default:
                ReadCapability(ref body, id, p);
                break;
        }
    }

    private static void ReadCapability(ref BodyReader body, MqttPropertyId id, MqttProperties p)
    {
        switch (id)
        {
            case ReceiveMaximum:
                p.ReceiveMaximum = (ushort)NotZero(body.ReadUInt16("receive maximum"), id);
                break;
            case TopicAliasMaximum:
                p.TopicAliasMaximum = body.ReadUInt16("topic alias maximum");
                break;
            case MaximumQos:
                p.MaximumQos = Flag(ref body, id) ? MqttQos.AtLeastOnce : MqttQos.AtMostOnce;
                break;
            case RetainAvailable:
                p.RetainAvailable = Flag(ref body, id);
                break;
            case MaximumPacketSize:
                p.MaximumPacketSize = NotZero(body.ReadUInt32("maximum packet size"), id);
                break;
            case WildcardSubscriptionAvailable:
                p.WildcardSubscriptionAvailable = Flag(ref body, id);
                break;
            case SubscriptionIdentifierAvailable:
                p.SubscriptionIdentifierAvailable = Flag(ref body, id);
                break;
            case SharedSubscriptionAvailable:
                p.SharedSubscriptionAvailable = Flag(ref body, id);
                break;
            default:
                throw Refuse.Malformed($"Property identifier {(byte)id} is not known.");
        }
    }

    private static bool Flag(ref BodyReader body, MqttPropertyId id) => body.ReadByte("property") switch
    {
        0 => false,
        1 => true,
        byte other => throw Refuse.Protocol($"Property {id} is 0 or 1, not {other}."),
    };

    private static uint NotZero(uint value, MqttPropertyId id) =>
        value != 0 ? value : throw Refuse.Protocol($"Property {id} is 0.");

    private static ushort Alias(ushort value) =>
        value != 0 ? value : throw new MqttProtocolException(MqttReasonCode.TopicAliasInvalid, "Topic alias 0 is not allowed.");

    private static string Topic(string topic) => TopicFilter.FaultInName(topic) is { } fault
        ? throw new MqttProtocolException(MqttReasonCode.TopicNameInvalid, "Response topic: " + fault)
        : topic;

    private static void Limit(int count, MqttDecodeOptions options, string what)
    {
        if (count >= options.MaximumItems)
        {
            throw Refuse.Over(what, options.MaximumItems);
        }
    }
}
