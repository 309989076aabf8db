using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Streams.Mqtt;

/// <summary>Turns received bytes into packets. Pure: no state but what the options carry, no I/O.</summary>
public static class MqttPacketReader
{
    /// <summary>
    /// Decodes the packet at the start of the buffer. Returns false, and leaves the buffer as it is, when more bytes are needed;
    /// true, with the buffer behind the packet, otherwise. The payload of a PUBLISH is a slice of the buffer given.
    /// Type, flags and size are judged as soon as they are there, before the rest of the packet has arrived.
    /// </summary>
    /// <exception cref="MqttProtocolException">The packet breaks the standard or a limit; the buffer cannot be read further.</exception>
    public static bool TryRead(
        ref ReadOnlySequence<byte> buffer, MqttDecodeOptions options, [NotNullWhen(true)] out MqttPacket? packet)
    {
        packet = null;
        if (buffer.IsEmpty)
        {
            return false;
        }

        byte first = buffer.FirstSpan.Length > 0 ? buffer.FirstSpan[0] : buffer.Slice(0, 1).ToArray()[0];
        MqttPacketType type = CheckFirst(first, options);
        if (!TryReadLength(buffer, out int length, out int headerSize, out bool padded))
        {
            return false;
        }

        if (padded && options.Version == MqttVersion.V5)
        {
            throw Refuse.Malformed("The remaining length uses more bytes than its value needs.");
        }

        if (length + headerSize > options.MaximumPacketSize)
        {
            throw new MqttProtocolException(
                MqttReasonCode.PacketTooLarge,
                $"{type} has {length + headerSize} bytes, more than the maximum of {options.MaximumPacketSize}.");
        }

        if (buffer.Length < headerSize + length)
        {
            return false;
        }

        BodyReader body = new(buffer.Slice(headerSize, length));
        packet = Decode(type, first, ref body, options, padded);
        buffer = buffer.Slice(headerSize + length);
        return true;
    }

    private static MqttPacket Decode(MqttPacketType type, byte first, ref BodyReader body, MqttDecodeOptions options, bool padded)
    {
        switch (type)
        {
            case MqttPacketType.Publish:
                return PublishDecoder.DecodePublish(ref body, first, options);
            case MqttPacketType.Puback or MqttPacketType.Pubrec or MqttPacketType.Pubrel or MqttPacketType.Pubcomp:
                return PublishDecoder.DecodeReply(ref body, type, options);
            case MqttPacketType.Connect:
                return ConnectDecoder.DecodeConnect(ref body, options, padded);
            case MqttPacketType.Connack:
                return ConnectDecoder.DecodeConnack(ref body, options);
            case MqttPacketType.Subscribe:
                return SubscribeDecoder.DecodeSubscribe(ref body, options);
            case MqttPacketType.Suback:
                return SubscribeDecoder.DecodeSuback(ref body, options);
            case MqttPacketType.Unsubscribe:
                return SubscribeDecoder.DecodeUnsubscribe(ref body, options);
            case MqttPacketType.Unsuback:
                return SubscribeDecoder.DecodeUnsuback(ref body, options);
            case MqttPacketType.Pingreq:
                body.ExpectEnd(type);
                return MqttPingreqPacket.Instance;
            case MqttPacketType.Pingresp:
                body.ExpectEnd(type);
                return MqttPingrespPacket.Instance;
            case MqttPacketType.Disconnect:
                return DisconnectDecoder.DecodeDisconnect(ref body, options);
            default:
                return DisconnectDecoder.DecodeAuth(ref body, options);
        }
    }

    // What the first byte alone gives away: the type, its flags, and whether it may come at all.
    private static MqttPacketType CheckFirst(byte first, MqttDecodeOptions options)
    {
        MqttPacketType type = (MqttPacketType)(first >> 4);
        int flags = first & 0x0F;
        if (type == 0)
        {
            throw Refuse.Malformed("Packet type 0 is reserved.");
        }

        CheckFlags(type, flags);
        if (!IsExpected(type, options.Role))
        {
            throw Refuse.Protocol($"A {options.Role} does not receive {type}.");
        }

        if (type == MqttPacketType.Connect && options.Version is not null)
        {
            throw Refuse.Protocol("A second CONNECT on one connection.");
        }

        if (type != MqttPacketType.Connect && options.Version is null)
        {
            throw Refuse.Protocol($"The first packet is {type}, not CONNECT.");
        }

        if (options.Version == MqttVersion.V311
            && (type == MqttPacketType.Auth || (type == MqttPacketType.Disconnect && options.Role == MqttRole.Client)))
        {
            throw Refuse.Protocol($"MQTT 3.1.1 has no {type} in this direction.");
        }

        return type;
    }

    private static void CheckFlags(MqttPacketType type, int flags)
    {
        if (type == MqttPacketType.Publish)
        {
            if ((flags & 0x06) == 0x06)
            {
                throw Refuse.Malformed("PUBLISH with QoS 3.");
            }

            if ((flags & 0x0E) == 0x08)
            {
                throw Refuse.Malformed("PUBLISH with QoS 0 is marked as duplicate.");
            }

            return;
        }

        int expected = type is MqttPacketType.Pubrel or MqttPacketType.Subscribe or MqttPacketType.Unsubscribe ? 2 : 0;
        if (flags != expected)
        {
            throw Refuse.Malformed($"The flags of {type} are {flags}, not {expected}.");
        }
    }

    private static bool IsExpected(MqttPacketType type, MqttRole receiver) => type switch
    {
        MqttPacketType.Connect or MqttPacketType.Subscribe or MqttPacketType.Unsubscribe or MqttPacketType.Pingreq =>
            receiver == MqttRole.Server,
        MqttPacketType.Connack or MqttPacketType.Suback or MqttPacketType.Unsuback or MqttPacketType.Pingresp =>
            receiver == MqttRole.Client,
        _ => true,
    };

    private static bool TryReadLength(in ReadOnlySequence<byte> buffer, out int length, out int headerSize, out bool padded)
    {
        SequenceReader<byte> reader = new(buffer);
        reader.Advance(1);
        length = 0;
        padded = false;
        for (headerSize = 2; headerSize <= 5; headerSize++)
        {
            if (!reader.TryRead(out byte next))
            {
                return false;
            }

            length |= (next & 0x7F) << (7 * (headerSize - 2));
            if (next < 0x80)
            {
                padded = next == 0 && headerSize > 2;
                return true;
            }
        }

        throw Refuse.Malformed("The remaining length is longer than four bytes.");
    }
}
