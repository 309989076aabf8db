using System.Buffers.Binary;

namespace Streams.Core;

/// <summary>Reads numbers, names and byte runs from bytes that are not trusted: no length is believed, nothing is read past the
/// end.</summary>
/// <remarks>After the first bad read <see cref="Failed"/> stays set and every further read gives the default; check it once at the end of
/// a structure.
/// Little-endian; variable numbers are base 128, least significant group first, at most 10 bytes.</remarks>
public ref struct ByteReader(ReadOnlyMemory<byte> memory)
{
    private readonly ReadOnlyMemory<byte> _memory = memory;
    private int _position;

    /// <summary>Whether something could not be read.</summary>
    public bool Failed { get; private set; }

    /// <summary>How many bytes were read.</summary>
    public readonly int Position => _position;

    /// <summary>How many bytes are left.</summary>
    public readonly int Remaining => _memory.Length - _position;

    /// <summary>Whether all was read and nothing went wrong.</summary>
    public readonly bool AtEnd => !Failed && Remaining == 0;

    /// <summary>Marks the structure as bad.</summary>
    public void Fail() => Failed = true;

    /// <summary>Reads a byte.</summary>
    public byte Byte() => Take(1, out ReadOnlySpan<byte> s) ? s[0] : (byte)0;

    /// <summary>Reads two bytes.</summary>
    public ushort UInt16() => Take(2, out ReadOnlySpan<byte> s) ? BinaryPrimitives.ReadUInt16LittleEndian(s) : (ushort)0;

    /// <summary>Reads four bytes.</summary>
    public uint UInt32() => Take(4, out ReadOnlySpan<byte> s) ? BinaryPrimitives.ReadUInt32LittleEndian(s) : 0;

    /// <summary>Reads eight bytes.</summary>
    public ulong UInt64() => Take(8, out ReadOnlySpan<byte> s) ? BinaryPrimitives.ReadUInt64LittleEndian(s) : 0;

    /// <summary>Reads eight bytes as a number that must not be negative.</summary>
    public long Count64()
    {
        long value = (long)UInt64();
        if (value < 0)
        {
            Failed = true;
            return 0;
        }

        return value;
    }

    /// <summary>Reads a variable number.</summary>
    public ulong Varint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 70; shift += 7)
        {
            byte b = Byte();
            if (Failed || (shift == 63 && b > 1))
            {
                break;
            }

            value |= (ulong)(b & 0x7F) << shift;
            if ((b & 0x80) == 0)
            {
                return value;
            }
        }

        Failed = true;
        return 0;
    }

    /// <summary>Reads a variable number from 0 to <paramref name="max"/>.</summary>
    public long Varint(long max)
    {
        ulong value = Varint();
        if (value > (ulong)max)
        {
            Failed = true;
            return 0;
        }

        return (long)value;
    }

    /// <summary>Reads a variable number that may be negative (zigzag).</summary>
    public long SignedVarint()
    {
        ulong value = Varint();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    /// <summary>Reads <paramref name="count"/> bytes, as a slice of the memory given: nothing is copied.</summary>
    public ReadOnlyMemory<byte> Bytes(int count)
    {
        if (Failed || count < 0 || count > Remaining)
        {
            Failed = true;
            return default;
        }

        ReadOnlyMemory<byte> slice = _memory.Slice(_position, count);
        _position += count;
        return slice;
    }

    /// <summary>Reads a length (at most <paramref name="maxBytes"/>) and so many bytes.</summary>
    public ReadOnlyMemory<byte> Block(int maxBytes) => Bytes((int)Varint(maxBytes));

    /// <summary>Reads a length (at most <paramref name="maxBytes"/>) and so many bytes of UTF-8.</summary>
    public string Text(int maxBytes)
    {
        ReadOnlySpan<byte> bytes = Block(maxBytes).Span;
        if (!System.Text.Unicode.Utf8.IsValid(bytes))
        {
            Failed = true;
            return string.Empty;
        }

        return System.Text.Encoding.UTF8.GetString(bytes);
    }

    /// <summary>Reads the rest.</summary>
    public ReadOnlyMemory<byte> Rest() => Bytes(Remaining);

    private bool Take(int count, out ReadOnlySpan<byte> span)
    {
        ReadOnlyMemory<byte> slice = Bytes(count);
        span = slice.Span;
        return !Failed;
    }
}
