using System.Buffers;

namespace Streams.Mqtt.Tests;

/// <summary>Bytes by hand, and the codec called the way a connection calls it.</summary>
internal static class Wire
{
    public static readonly MqttDecodeOptions ServerV5 = new() { Role = MqttRole.Server, Version = MqttVersion.V5 };
    public static readonly MqttDecodeOptions ClientV5 = new() { Role = MqttRole.Client, Version = MqttVersion.V5 };
    public static readonly MqttDecodeOptions ServerV311 = new() { Role = MqttRole.Server, Version = MqttVersion.V311 };
    public static readonly MqttDecodeOptions ClientV311 = new() { Role = MqttRole.Client, Version = MqttVersion.V311 };
    public static readonly MqttDecodeOptions NewServer = new() { Role = MqttRole.Server };

    /// <summary>Bytes from hexadecimal; text in quotes stands for its UTF-8 with two bytes of length.</summary>
    public static byte[] Bytes(string text)
    {
        List<byte> bytes = [];
        foreach (string part in text.Split('\'').Select((p, i) => i % 2 == 0 ? p : "'" + p))
        {
            if (part.StartsWith('\''))
            {
                byte[] utf8 = System.Text.Encoding.UTF8.GetBytes(part[1..]);
                bytes.Add((byte)(utf8.Length >> 8));
                bytes.Add((byte)utf8.Length);
                bytes.AddRange(utf8);
            }
            else
            {
                bytes.AddRange(Convert.FromHexString(part.Replace(" ", "", StringComparison.Ordinal)));
            }
        }

        return [.. bytes];
    }

    /// <summary>A packet of a first byte and a body, with the right remaining length.</summary>
    public static byte[] Packet(byte first, string body)
    {
        byte[] bytes = Bytes(body);
        List<byte> packet = [first];
        int length = bytes.Length;
        do
        {
            packet.Add((byte)((length & 0x7F) | (length > 0x7F ? 0x80 : 0)));
            length >>= 7;
        }
        while (length > 0);
        packet.AddRange(bytes);
        return [.. packet];
    }

    public static MqttPacket Decode(byte[] bytes, MqttDecodeOptions options)
    {
        ReadOnlySequence<byte> buffer = new(bytes);
        Assert.True(MqttPacketReader.TryRead(ref buffer, options, out MqttPacket? packet), "The packet is not complete.");
        Assert.True(buffer.IsEmpty, "Bytes are left behind the packet.");
        return packet;
    }

    public static MqttProtocolException Refused(byte[] bytes, MqttDecodeOptions options)
    {
        MqttProtocolException e = Assert.Throws<MqttProtocolException>(() =>
        {
            ReadOnlySequence<byte> buffer = new(bytes);
            MqttPacketReader.TryRead(ref buffer, options, out _);
        });
        Assert.False(string.IsNullOrWhiteSpace(e.Message));
        Assert.True(e.ReasonCode >= MqttReasonCode.UnspecifiedError);
        return e;
    }

    public static byte[] Encode(MqttPacket packet, MqttVersion version = MqttVersion.V5)
    {
        ArrayBufferWriter<byte> output = new();
        int written = MqttPacketWriter.Write(output, packet, version);
        Assert.Equal(output.WrittenCount, written);
        Assert.Equal(output.WrittenCount, MqttPacketWriter.SizeOf(packet, version));
        return output.WrittenSpan.ToArray();
    }

    /// <summary>A sequence cut into segments at the given places.</summary>
    public static ReadOnlySequence<byte> Cut(ReadOnlyMemory<byte> bytes, params int[] at)
    {
        Segment? first = null;
        Segment? last = null;
        int start = 0;
        foreach (int end in at.Append(bytes.Length))
        {
            Segment next = new(bytes[start..end], last);
            first ??= next;
            last = next;
            start = end;
        }

        return new ReadOnlySequence<byte>(first!, 0, last!, last!.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? before)
        {
            Memory = memory;
            if (before is not null)
            {
                RunningIndex = before.RunningIndex + before.Memory.Length;
                before.Next = this;
            }
        }
    }
}
