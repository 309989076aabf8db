using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Streams.Core;

/// <summary>Writes numbers, names and byte runs, the mirror of <see cref="ByteReader"/>. Writes straight into the buffer given.</summary>
public readonly ref struct ByteWriter(IBufferWriter<byte> output)
{
    private readonly IBufferWriter<byte> _output = output;

    /// <summary>Writes a byte.</summary>
    public void Byte(byte value)
    {
        _output.GetSpan(1)[0] = value;
        _output.Advance(1);
    }

    /// <summary>Writes two bytes.</summary>
    public void UInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_output.GetSpan(2), value);
        _output.Advance(2);
    }

    /// <summary>Writes four bytes.</summary>
    public void UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_output.GetSpan(4), value);
        _output.Advance(4);
    }

    /// <summary>Writes eight bytes.</summary>
    public void UInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_output.GetSpan(8), value);
        _output.Advance(8);
    }

    /// <summary>Writes a variable number.</summary>
    public void Varint(ulong value)
    {
        Span<byte> span = _output.GetSpan(10);
        int n = 0;
        while (value >= 0x80)
        {
            span[n++] = (byte)(value | 0x80);
            value >>= 7;
        }

        span[n++] = (byte)value;
        _output.Advance(n);
    }

    /// <summary>Writes a variable number that may be negative (zigzag).</summary>
    public void SignedVarint(long value) => Varint((ulong)((value << 1) ^ (value >> 63)));

    /// <summary>Writes bytes without their length.</summary>
    public void Bytes(ReadOnlySpan<byte> bytes) => _output.Write(bytes);

    /// <summary>Writes a length and the bytes.</summary>
    public void Block(ReadOnlySpan<byte> bytes)
    {
        Varint((ulong)bytes.Length);
        _output.Write(bytes);
    }

    /// <summary>Writes a length and the UTF-8 of a text.</summary>
    public void Text(string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        Varint((ulong)length);
        if (length > 0)
        {
            Encoding.UTF8.GetBytes(text, _output.GetSpan(length));
            _output.Advance(length);
        }
    }
}
