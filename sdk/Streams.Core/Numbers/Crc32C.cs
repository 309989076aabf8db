using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Streams.Core;

/// <summary>CRC-32C (Castagnoli, RFC 3720 section 12.1), by the processor's own instruction where it has one.</summary>
/// <remarks>A processor begins a step of it in each cycle but needs three to end one. So three parts of a long input go side by side, and
/// are put together by a table: what a checksum becomes behind so many zeros.</remarks>
public static class Crc32C
{
    private static readonly Lanes Long = new(1024);
    private static readonly Lanes Short = new(128);

    /// <summary>The checksum of <paramref name="bytes"/>, continuing from <paramref name="seed"/> (the checksum of what came before, or
    /// 0).</summary>
    public static uint Compute(ReadOnlySpan<byte> bytes, uint seed = 0)
    {
        uint crc = ~seed;
        crc = Long.Go(crc, ref bytes);
        crc = Short.Go(crc, ref bytes);
        return ~Serial(crc, bytes);
    }

    private static uint Serial(uint crc, ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words)
        {
            crc = BitOperations.Crc32C(crc, Little(word));
        }

        foreach (byte b in bytes[(words.Length * sizeof(ulong))..])
        {
            crc = BitOperations.Crc32C(crc, b);
        }

        return crc;
    }

    private static ulong Little(ulong word) => BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word);

    /// <summary>Three parts of a fixed length side by side.</summary>
    private sealed class Lanes
    {
        private readonly int _words;
        private readonly uint[] _behindZeros = new uint[4 * 256];

        public Lanes(int bytes)
        {
            _words = bytes / sizeof(ulong);
            Span<uint> ofBit = stackalloc uint[32];
            for (int bit = 0; bit < 32; bit++)
            {
                uint crc = 1u << bit;
                for (int i = 0; i < _words; i++)
                {
                    crc = BitOperations.Crc32C(crc, 0UL);
                }

                ofBit[bit] = crc;
            }

            for (int at = 0; at < _behindZeros.Length; at++)
            {
                for (int bit = 0; bit < 8; bit++)
                {
                    _behindZeros[at] ^= (at >> bit & 1) == 0 ? 0 : ofBit[(at >> 8 << 3) + bit];
                }
            }
        }

        /// <summary>Takes as much from the front as is whole.</summary>
        public uint Go(uint crc, ref ReadOnlySpan<byte> bytes)
        {
            int part = _words * sizeof(ulong);
            while (bytes.Length >= 3 * part)
            {
                ReadOnlySpan<ulong> first = MemoryMarshal.Cast<byte, ulong>(bytes[..part]);
                ReadOnlySpan<ulong> second = MemoryMarshal.Cast<byte, ulong>(bytes.Slice(part, part));
                ReadOnlySpan<ulong> third = MemoryMarshal.Cast<byte, ulong>(bytes.Slice(2 * part, part));
                uint two = 0;
                uint three = 0;
                for (int i = 0; i < first.Length && i < second.Length && i < third.Length; i++)
                {
                    crc = BitOperations.Crc32C(crc, Little(first[i]));
                    two = BitOperations.Crc32C(two, Little(second[i]));
                    three = BitOperations.Crc32C(three, Little(third[i]));
                }

                crc = BehindZeros(BehindZeros(crc) ^ two) ^ three;
                bytes = bytes[(3 * part)..];
            }

            return crc;
        }

        private uint BehindZeros(uint crc) =>
            _behindZeros[crc & 0xFF] ^ _behindZeros[256 + (crc >> 8 & 0xFF)] ^ _behindZeros[512 + (crc >> 16 & 0xFF)]
            ^ _behindZeros[768 + (crc >> 24)];
    }
}
