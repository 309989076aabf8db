namespace Streams.Mqtt;

/// <summary>Sizes and writes SUBSCRIBE, SUBACK, UNSUBSCRIBE and UNSUBACK.</summary>
internal static class SubscribeEncoder
{
    public static long Size(MqttSubscribePacket packet, bool v5, int block)
    {
        PacketEncoder.CheckPacketId(packet.PacketId);
        CheckAny(packet.Subscriptions.Count, packet.Type);
        long length = 2 + block;
        foreach (MqttSubscription subscription in packet.Subscriptions)
        {
            if (subscription.Qos > MqttQos.ExactlyOnce || subscription.RetainHandling > MqttRetainHandling.DoNotSend)
            {
                throw Refuse.Protocol("A subscription has a QoS or retain handling that does not exist.");
            }

            if (v5 && subscription.NoLocal && subscription.Filter.StartsWith("$share/", StringComparison.Ordinal))
            {
                throw Refuse.Protocol("No Local is set on a shared subscription.");
            }

            length += 1 + FilterSize(subscription.Filter, v5);
        }

        return length;
    }

    public static long Size(MqttUnsubscribePacket packet, bool v5, int block)
    {
        PacketEncoder.CheckPacketId(packet.PacketId);
        CheckAny(packet.Filters.Count, packet.Type);
        long length = 2 + block;
        foreach (string filter in packet.Filters)
        {
            length += FilterSize(filter, v5);
        }

        return length;
    }

    public static long Size(MqttSubackPacket packet, int block) => CodesSize(packet.Type, packet.PacketId, packet.ReasonCodes, block);

    public static long Size(MqttUnsubackPacket packet, bool v5, int block)
    {
        if (v5)
        {
            return CodesSize(packet.Type, packet.PacketId, packet.ReasonCodes, block);
        }

        PacketEncoder.CheckPacketId(packet.PacketId);
        return 2;
    }

    public static void Write(ref SpanWriter target, MqttPacket packet, MqttVersion version, in PacketSizes sizes)
    {
        bool v5 = version == MqttVersion.V5;
        switch (packet)
        {
            case MqttSubscribePacket subscribe:
                WriteStart(ref target, subscribe.PacketId, subscribe.Properties, v5, sizes);
                foreach (MqttSubscription subscription in subscribe.Subscriptions)
                {
                    target.Text(subscription.Filter);
                    target.Byte(OptionsOf(subscription, v5));
                }

                break;
            case MqttUnsubscribePacket unsubscribe:
                WriteStart(ref target, unsubscribe.PacketId, unsubscribe.Properties, v5, sizes);
                foreach (string filter in unsubscribe.Filters)
                {
                    target.Text(filter);
                }

                break;
            case MqttSubackPacket suback:
                WriteStart(ref target, suback.PacketId, suback.Properties, v5, sizes);
                foreach (MqttReasonCode code in suback.ReasonCodes)
                {
                    target.Byte(v5 ? (byte)code : ReasonCodes.ToSubackV311(code));
                }

                break;
            case MqttUnsubackPacket unsuback:
                WriteStart(ref target, unsuback.PacketId, unsuback.Properties, v5, sizes);
                foreach (MqttReasonCode code in v5 ? unsuback.ReasonCodes : [])
                {
                    target.Byte((byte)code);
                }

                break;
        }
    }

    private static void WriteStart(
        ref SpanWriter target, ushort packetId, MqttProperties? properties, bool v5, in PacketSizes sizes)
    {
        target.UInt16(packetId);
        if (v5)
        {
            PropertyWriter.Write(ref target, properties, sizes.Properties);
        }
    }

    private static byte OptionsOf(MqttSubscription subscription, bool v5)
    {
        int bits = (int)subscription.Qos;
        if (v5)
        {
            bits |= (subscription.NoLocal ? 0x04 : 0)
                | (subscription.RetainAsPublished ? 0x08 : 0)
                | ((int)subscription.RetainHandling << 4);
        }

        return (byte)bits;
    }

    private static int FilterSize(string filter, bool v5) => TopicFilter.FaultInFilter(filter, shares: v5) is { } fault
        ? throw new MqttProtocolException(MqttReasonCode.TopicFilterInvalid, fault)
        : Utf8Text.PrefixedSize(filter, "topic filter");

    private static long CodesSize(MqttPacketType type, ushort packetId, IReadOnlyList<MqttReasonCode> codes, int block)
    {
        PacketEncoder.CheckPacketId(packetId);
        CheckAny(codes.Count, type);
        foreach (MqttReasonCode code in codes)
        {
            PacketEncoder.CheckReason(type, code);
        }

        return 2 + block + codes.Count;
    }

    private static void CheckAny(int count, MqttPacketType type)
    {
        if (count == 0)
        {
            throw Refuse.Protocol($"{type} has no entries.");
        }
    }
}
