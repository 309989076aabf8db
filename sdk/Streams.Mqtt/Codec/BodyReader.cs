using System.Buffers;
using System.Buffers.Binary;

namespace Streams.Mqtt;

/// <summary>
/// Reads the fields of one packet. Every read is checked against the end of the packet; running past it is a malformed packet.
/// </summary>
internal ref struct BodyReader
{
    private SequenceReader<byte> _reader;
    private long _end;

    public BodyReader(in ReadOnlySequence<byte> body)
    {
        _reader = new SequenceReader<byte>(body);
        _end = body.Length;
    }

    public readonly long Remaining => _end - _reader.Consumed;

    public readonly bool AtEnd => Remaining == 0;

    /// <summary>What is left of the packet, not copied.</summary>
    public readonly ReadOnlySequence<byte> Rest => _reader.UnreadSequence;

    public byte ReadByte(string what)
    {
        Need(1, what);
        _reader.TryRead(out byte value);
        return value;
    }

    public ushort ReadUInt16(string what)
    {
        Need(2, what);
        Span<byte> bytes = stackalloc byte[2];
        Copy(bytes);
        return BinaryPrimitives.ReadUInt16BigEndian(bytes);
    }

    public uint ReadUInt32(string what)
    {
        Need(4, what);
        Span<byte> bytes = stackalloc byte[4];
        Copy(bytes);
        return BinaryPrimitives.ReadUInt32BigEndian(bytes);
    }

    public ushort ReadPacketId()
    {
        ushort id = ReadUInt16("packet identifier");
        return id != 0 ? id : throw Refuse.Protocol("Packet identifier 0 is not allowed.");
    }

    /// <summary>Reads a variable byte integer; more than four bytes, or more than needed, is malformed.</summary>
    public uint ReadVariable(string what)
    {
        uint value = 0;
        for (int shift = 0; shift < 28; shift += 7)
        {
            byte next = ReadByte(what);
            value |= (uint)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return next != 0 || shift == 0 ? value : throw Refuse.Malformed($"The {what} uses more bytes than its value needs.");
            }
        }

        throw Refuse.Malformed($"The {what} is longer than four bytes.");
    }

    public string ReadString(string what)
    {
        int length = ReadUInt16(what);
        Need(length, what);
        if (_reader.UnreadSpan.Length >= length)
        {
            string text = Utf8Text.Decode(_reader.UnreadSpan[..length], what);
            _reader.Advance(length);
            return text;
        }

        byte[] rented = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            Span<byte> bytes = rented.AsSpan(0, length);
            Copy(bytes);
            return Utf8Text.Decode(bytes, what);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Reads a topic name; empty is given back as such, anything else is valid.</summary>
    public string ReadTopicName(TopicNameCache? cache)
    {
        int length = ReadUInt16("topic name");
        Need(length, "topic name");
        if (_reader.UnreadSpan.Length >= length)
        {
            string name = ToTopicName(_reader.UnreadSpan[..length], cache);
            _reader.Advance(length);
            return name;
        }

        byte[] rented = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            Span<byte> bytes = rented.AsSpan(0, length);
            Copy(bytes);
            return ToTopicName(bytes, cache);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Reads binary data into an array of its own.</summary>
    public byte[] ReadBinary(string what)
    {
        int length = ReadUInt16(what);
        Need(length, what);
        if (length == 0)
        {
            return [];
        }

        byte[] bytes = new byte[length];
        Copy(bytes);
        return bytes;
    }

    /// <summary>Lets the reader end after so many bytes; give what is returned to <see cref="Leave"/> to go on behind them.</summary>
    public long Enter(uint length, string what)
    {
        Need(length, what);
        long outer = _end;
        _end = _reader.Consumed + length;
        return outer;
    }

    public void Leave(long outerEnd) => _end = outerEnd;

    public readonly void ExpectEnd(MqttPacketType type)
    {
        if (!AtEnd)
        {
            throw Refuse.Malformed($"{type} has {Remaining} bytes too many.");
        }
    }

    private static string ToTopicName(ReadOnlySpan<byte> utf8, TopicNameCache? cache)
    {
        if (utf8.IsEmpty)
        {
            return "";
        }

        string? known = cache?.Find(utf8);
        if (known is not null)
        {
            return known;
        }

        string name = Utf8Text.Decode(utf8, "topic name");
        if (TopicFilter.FaultInName(name) is { } fault)
        {
            throw new MqttProtocolException(MqttReasonCode.TopicNameInvalid, fault);
        }

        cache?.Keep(utf8, name);
        return name;
    }

    private readonly void Need(long bytes, string what)
    {
        if (Remaining < bytes)
        {
            throw Refuse.Malformed($"The packet ends inside its {what}.");
        }
    }

    // Only after Need: the bytes are there.
    private void Copy(scoped Span<byte> target)
    {
        _reader.TryCopyTo(target);
        _reader.Advance(target.Length);
    }
}
