using System.Globalization;
using System.Text;
using Streams.Client;
using Streams.Core;

namespace Streams.Faults;

/// <summary>How the events of the fault table are made: number n goes to topic n mod 3, under key n mod 7, and says its number.</summary>
internal static class EventName
{
    public const int Topics = 3;
    private const int Keys = 7;

    public static TopicName Topic(string device, int number)
        => TopicName.Parse(string.Create(CultureInfo.InvariantCulture, $"{device}/t{number % Topics}"));

    /// <summary>The key, where a row needs keys: one policy goes by them.</summary>
    public static ReadOnlyMemory<byte> Key(int number) => new byte[] { (byte)('a' + (number % Keys)) };

    public static byte[] Payload(string device, int number, int bytes)
        => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{device} {number} ").PadRight(bytes, '.'));

    /// <summary>The unit of order: the key of an event, or its topic without one.</summary>
    public static string OrderedBy(ReceivedEvent found)
        => found.Key.IsEmpty ? found.Topic.ToString() : "key " + Encoding.UTF8.GetString(found.Key.Span);

    /// <summary>The number that a payload says.</summary>
    public static int Number(ReadOnlySpan<byte> payload)
    {
        var text = Encoding.UTF8.GetString(payload[..Math.Min(payload.Length, 200)]).Split(' ');
        return int.Parse(text[1], NumberStyles.None, CultureInfo.InvariantCulture);
    }
}
