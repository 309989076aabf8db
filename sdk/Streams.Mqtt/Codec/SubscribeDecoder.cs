namespace Streams.Mqtt;

/// <summary>Decodes SUBSCRIBE, SUBACK, UNSUBSCRIBE and UNSUBACK (sections 3.8 to 3.11).</summary>
internal static class SubscribeDecoder
{
    public static MqttSubscribePacket DecodeSubscribe(ref BodyReader body, MqttDecodeOptions options)
    {
        bool v5 = options.Version == MqttVersion.V5;
        ushort packetId = body.ReadPacketId();
        MqttProperties? properties = v5 ? PropertyReader.Read(ref body, PropertyTable.Place(MqttPacketType.Subscribe), options) : null;
        if (body.AtEnd)
        {
            throw Refuse.Protocol("SUBSCRIBE without a topic filter.");
        }

        List<MqttSubscription> subscriptions = [];
        while (!body.AtEnd)
        {
            Limit(subscriptions.Count, options);
            string filter = ReadFilter(ref body, v5);
            subscriptions.Add(ReadOptions(filter, body.ReadByte("subscription options"), v5));
        }

        return new MqttSubscribePacket { PacketId = packetId, Subscriptions = subscriptions, Properties = properties };
    }

    public static MqttUnsubscribePacket DecodeUnsubscribe(ref BodyReader body, MqttDecodeOptions options)
    {
        bool v5 = options.Version == MqttVersion.V5;
        ushort packetId = body.ReadPacketId();
        MqttProperties? properties = v5 ? PropertyReader.Read(ref body, PropertyTable.Place(MqttPacketType.Unsubscribe), options) : null;
        if (body.AtEnd)
        {
            throw Refuse.Protocol("UNSUBSCRIBE without a topic filter.");
        }

        List<string> filters = [];
        while (!body.AtEnd)
        {
            Limit(filters.Count, options);
            filters.Add(ReadFilter(ref body, v5));
        }

        return new MqttUnsubscribePacket { PacketId = packetId, Filters = filters, Properties = properties };
    }

    public static MqttSubackPacket DecodeSuback(ref BodyReader body, MqttDecodeOptions options)
    {
        ushort packetId = body.ReadPacketId();
        bool v5 = options.Version == MqttVersion.V5;
        MqttProperties? properties = v5 ? PropertyReader.Read(ref body, PropertyTable.Place(MqttPacketType.Suback), options) : null;
        return new MqttSubackPacket
        {
            PacketId = packetId,
            Properties = properties,
            ReasonCodes = ReadCodes(ref body, MqttPacketType.Suback, options),
        };
    }

    public static MqttUnsubackPacket DecodeUnsuback(ref BodyReader body, MqttDecodeOptions options)
    {
        ushort packetId = body.ReadPacketId();
        if (options.Version != MqttVersion.V5)
        {
            body.ExpectEnd(MqttPacketType.Unsuback);
            return new MqttUnsubackPacket { PacketId = packetId };
        }

        MqttProperties? properties = PropertyReader.Read(ref body, PropertyTable.Place(MqttPacketType.Unsuback), options);
        return new MqttUnsubackPacket
        {
            PacketId = packetId,
            Properties = properties,
            ReasonCodes = ReadCodes(ref body, MqttPacketType.Unsuback, options),
        };
    }

    private static MqttReasonCode[] ReadCodes(ref BodyReader body, MqttPacketType type, MqttDecodeOptions options)
    {
        if (body.AtEnd)
        {
            throw Refuse.Protocol($"{type} without a reason code.");
        }

        if (body.Remaining > options.MaximumItems)
        {
            throw Refuse.Over("reason codes", options.MaximumItems);
        }

        MqttReasonCode[] codes = new MqttReasonCode[body.Remaining];
        for (int i = 0; i < codes.Length; i++)
        {
            MqttReasonCode code = (MqttReasonCode)body.ReadByte("reason code");
            bool known = options.Version == MqttVersion.V5
                ? ReasonCodes.IsAllowed(type, code, options.Role)
                : code is <= MqttReasonCode.GrantedQos2 or MqttReasonCode.UnspecifiedError;
            codes[i] = known ? code : throw Refuse.Malformed($"Reason code 0x{(byte)code:X2} is not allowed in {type}.");
        }

        return codes;
    }

    private static MqttSubscription ReadOptions(string filter, byte bits, bool v5)
    {
        if ((bits & (v5 ? 0xC0 : 0xFC)) != 0)
        {
            throw Refuse.Malformed("Reserved bits of the subscription options are set.");
        }

        if ((bits & 0x03) == 3)
        {
            throw v5 ? Refuse.Protocol("A subscription asks for QoS 3.") : Refuse.Malformed("A subscription asks for QoS 3.");
        }

        if ((bits & 0x30) == 0x30)
        {
            throw Refuse.Protocol("Retain handling 3 does not exist.");
        }

        bool noLocal = (bits & 0x04) != 0;
        if (noLocal && filter.StartsWith("$share/", StringComparison.Ordinal))
        {
            throw Refuse.Protocol("No Local is set on a shared subscription.");
        }

        return new MqttSubscription(filter, (MqttQos)(bits & 0x03))
        {
            NoLocal = noLocal,
            RetainAsPublished = (bits & 0x08) != 0,
            RetainHandling = (MqttRetainHandling)((bits & 0x30) >> 4),
        };
    }

    private static string ReadFilter(ref BodyReader body, bool v5)
    {
        string filter = body.ReadString("topic filter");
        return TopicFilter.FaultInFilter(filter, shares: v5) is { } fault
            ? throw new MqttProtocolException(MqttReasonCode.TopicFilterInvalid, fault)
            : filter;
    }

    private static void Limit(int count, MqttDecodeOptions options)
    {
        if (count >= options.MaximumItems)
        {
            throw Refuse.Over("topic filters", options.MaximumItems);
        }
    }
}
