using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Streams.Core;

namespace FieldTrial;

/// <summary>The text of every event of this sample: whose it is, its running number, what it says, and a checksum over all of it.
/// <c>{"device":"device-7","n":42,"data":{…},"sum":"1a2b3c4d"}</c></summary>
internal static class EventText
{
    private const int TailLength = 18;

    private static ReadOnlySpan<byte> Head => "{\"device\":\""u8;

    private static ReadOnlySpan<byte> NumberHead => "\",\"n\":"u8;

    private static ReadOnlySpan<byte> Tail => ",\"sum\":\""u8;

    /// <summary>Writes an event. The device's name needs no escaping: see <see cref="VehicleNames"/>.</summary>
    public static byte[] Write(string device, int number, ReadOnlySpan<byte> data)
    {
        ArrayBufferWriter<byte> text = new(data.Length + device.Length + 64);
        text.Write(Head);
        Encoding.UTF8.GetBytes(device, text);
        text.Write(NumberHead);
        Encoding.UTF8.GetBytes(number.ToString(CultureInfo.InvariantCulture), text);
        text.Write(",\"data\":"u8);
        text.Write(data);
        uint sum = Crc32C.Compute(text.WrittenSpan);
        text.Write(Tail);
        Encoding.UTF8.GetBytes(sum.ToString("x8", CultureInfo.InvariantCulture), text);
        text.Write("\"}"u8);
        return text.WrittenSpan.ToArray();
    }

    /// <summary>Whose event it is and its number; false when it is none of this sample or not whole.</summary>
    public static bool TryRead(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> device, out int number)
    {
        device = default;
        number = 0;
        if (text.Length < Head.Length + TailLength || !text.StartsWith(Head) || !text[^TailLength..].StartsWith(Tail)
            || !Utf8Parser.TryParse(text[^10..^2], out uint sum, out int used, 'x') || used != 8
                || Crc32C.Compute(text[..^TailLength]) != sum)
        {
            return false;
        }

        ReadOnlySpan<byte> rest = text[Head.Length..];
        int end = rest.IndexOf(NumberHead);
        if (end < 1 || !Utf8Parser.TryParse(rest[(end + NumberHead.Length)..], out number, out _))
        {
            return false;
        }

        device = rest[..end];
        return true;
    }
}
