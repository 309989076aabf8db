using System.Buffers.Binary;
using System.Text;
using Streams.Mqtt;

namespace Streams.Gateways.Tests;

/// <summary>Packets byte by byte, also those that our writer refuses to make.</summary>
internal static class RawPackets
{
    /// <summary>Bytes that are no UTF-8: a surrogate, too long a form, a byte that never comes, a sequence that is cut, U+0000.</summary>
    public static readonly byte[][] IllFormed = [[0xED, 0xA0, 0x80], [0xC0, 0xAF], [0x61, 0xFF], [0xE2, 0x82], [0x61, 0x00]];

    /// <summary>First byte, remaining length and the parts.</summary>
    public static byte[] Packet(byte first, params byte[][] parts)
    {
        byte[] body = Join(parts);
        List<byte> packet = [first];
        uint left = (uint)body.Length;
        do
        {
            packet.Add((byte)((left & 0x7F) | (left > 0x7F ? 0x80u : 0u)));
            left >>= 7;
        }
        while (left > 0);
        return [.. packet, .. body];
    }

    /// <summary>CONNECT with a clean start. A will has the payload <c>gone</c> and QoS 0.</summary>
    public static byte[] Connect(MqttVersion version, byte[] clientId, byte[]? willTopic = null, byte[]? userName = null)
    {
        byte flags = (byte)(0x02 | (willTopic is null ? 0 : 0x04) | (userName is null ? 0 : 0x80));
        return Packet(0x10, Text("MQTT"), [(byte)version, flags, 0, 0], None(version), Text(clientId),
            willTopic is null ? [] : Join(None(version), Text(willTopic), Text("gone")), userName is null ? [] : Text(userName));
    }

    /// <summary>SUBSCRIBE with QoS 1.</summary>
    public static byte[] Subscribe(MqttVersion version, ushort id, byte[] filter) =>
        Packet(0x82, Number(id), None(version), Text(filter), [1]);

    /// <summary>UNSUBSCRIBE.</summary>
    public static byte[] Unsubscribe(MqttVersion version, ushort id, byte[] filter) =>
        Packet(0xA2, Number(id), None(version), Text(filter));

    /// <summary>PUBLISH with QoS 1.</summary>
    public static byte[] Publish(MqttVersion version, ushort id, string topic, string payload, bool duplicate = false) =>
        Packet((byte)(duplicate ? 0x3A : 0x32), Text(topic), Number(id), None(version), Encoding.UTF8.GetBytes(payload));

    /// <summary>PUBLISH of MQTT 5 with QoS 0 and one property, a text.</summary>
    public static byte[] PublishWith(byte property, byte[] value) =>
        Packet(0x30, Text("a/b"), [(byte)(3 + value.Length), property], Text(value), [0x31]);

    /// <summary>A text with its length before it.</summary>
    public static byte[] Text(byte[] text) => Join(Number((ushort)text.Length), text);

    /// <inheritdoc cref="Text(byte[])"/>
    public static byte[] Text(string text) => Text(Encoding.UTF8.GetBytes(text));

    /// <summary>What came, packet by packet.</summary>
    public static List<byte[]> Split(byte[] bytes)
    {
        List<byte[]> packets = [];
        for (int at = 0; at < bytes.Length;)
        {
            int length = 0;
            int head = 1;
            for (int shift = 0; ; shift += 7)
            {
                byte next = bytes[at + head++];
                length |= (next & 0x7F) << shift;
                if (next < 0x80)
                {
                    break;
                }
            }

            packets.Add(bytes[at..(at + head + length)]);
            at += head + length;
        }

        return packets;
    }

    /// <summary>The kind of a packet.</summary>
    public static MqttPacketType TypeOf(byte[] packet) => (MqttPacketType)(packet[0] >> 4);

    public static byte[] Join(params byte[][] parts) => [.. parts.SelectMany(static p => p)];

    private static byte[] Number(ushort value)
    {
        byte[] bytes = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, value);
        return bytes;
    }

    private static byte[] None(MqttVersion version) => version == MqttVersion.V5 ? [0] : [];
}
