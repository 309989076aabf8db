using System.Text;

namespace Streams.Core.Tests;

public sealed class Crc32CTests
{
    [Theory]
    [InlineData("", 0x00000000u)]
    [InlineData("a", 0xC1D04330u)]
    [InlineData("123456789", 0xE3069283u)]
    public void Known_inputs_give_the_known_checksums(string text, uint checksum) =>
        Assert.Equal(checksum, Crc32C.Compute(Encoding.ASCII.GetBytes(text)));

    [Fact]
    public void Every_length_gives_what_the_definition_gives()
    {
        byte[] bytes = new byte[10_000];
        new Random(5).NextBytes(bytes);
        for (int length = 0; length < bytes.Length; length += length < 1000 ? 1 : 37)
        {
            Assert.Equal(ByDefinition(bytes.AsSpan(3, Math.Min(length, bytes.Length - 3)), 0),
                Crc32C.Compute(bytes.AsSpan(3, Math.Min(length, bytes.Length - 3))));
        }
    }

    [Fact]
    public void A_checksum_continues_wherever_the_input_is_cut()
    {
        byte[] bytes = new byte[9_000];
        new Random(6).NextBytes(bytes);
        uint whole = ByDefinition(bytes, 0x12345678);
        for (int cut = 0; cut <= bytes.Length; cut += 101)
        {
            Assert.Equal(whole, Crc32C.Compute(bytes.AsSpan(cut), Crc32C.Compute(bytes.AsSpan(0, cut), 0x12345678)));
        }
    }

    private static uint ByDefinition(ReadOnlySpan<byte> bytes, uint seed)
    {
        uint crc = ~seed;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78u : crc >> 1;
            }
        }

        return ~crc;
    }
}
