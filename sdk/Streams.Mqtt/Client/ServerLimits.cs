namespace Streams.Mqtt;

/// <summary>What the server said in CONNACK that it takes; what exceeds it is refused here, before it is sent.</summary>
internal sealed class ServerLimits
{
    private readonly MqttProperties? _properties;
    private readonly MqttVersion _version;

    public ServerLimits(MqttConnackPacket connack, MqttVersion version)
    {
        _properties = connack.Properties;
        _version = version;
    }

    public int ReceiveMaximum => _properties?.ReceiveMaximum ?? ushort.MaxValue;

    public TimeSpan? KeepAlive => _properties?.ServerKeepAlive is { } seconds ? TimeSpan.FromSeconds(seconds) : null;

    public void Check(in MqttPublishHead head, long payloadLength)
    {
        if (_properties is null)
        {
            return;
        }

        if (head.Qos > (_properties.MaximumQos ?? MqttQos.ExactlyOnce))
        {
            throw new MqttProtocolException(
                MqttReasonCode.QosNotSupported, $"The server takes at most QoS {(int)_properties.MaximumQos!}.");
        }

        if (head.Retain && _properties.RetainAvailable == false)
        {
            throw new MqttProtocolException(MqttReasonCode.RetainNotSupported, "The server keeps no retained messages.");
        }

        if (head.Properties?.TopicAlias > (_properties.TopicAliasMaximum ?? 0))
        {
            throw new MqttProtocolException(MqttReasonCode.TopicAliasInvalid, "The topic alias is above the server's maximum.");
        }

        if (_properties.MaximumPacketSize is { } maximum)
        {
            MqttPublishHead counted = head with { PacketId = head.Qos == MqttQos.AtMostOnce ? (ushort)0 : (ushort)1 };
            CheckSize(MqttPacketWriter.SizeOfPublish(counted, payloadLength, _version), maximum);
        }
    }

    public T Check<T>(T packet)
        where T : MqttPacket
    {
        if (_properties?.MaximumPacketSize is { } maximum)
        {
            CheckSize(MqttPacketWriter.SizeOf(packet, _version), maximum);
        }

        return packet;
    }

    private static void CheckSize(int size, uint maximum)
    {
        if (size > maximum)
        {
            throw new MqttProtocolException(
                MqttReasonCode.PacketTooLarge, $"The packet has {size} bytes, the server takes {maximum}.");
        }
    }
}
