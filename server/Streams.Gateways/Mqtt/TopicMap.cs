using System.Text;
using Streams.Core;

namespace Streams.Gateways;

/// <summary>How MQTT topics and streams name each other. The first level of a topic is the stream: <c>fleet/car-17/telemetry</c> is topic
/// <c>car-17/telemetry</c> of <c>/fleet</c>; <c>x</c> is the empty topic of <c>/x</c>; an empty first level is the stream
/// <c>/$root</c>. A stream
/// that was made with more levels is seen under all of them.</summary>
internal static class TopicMap
{
    /// <summary>Longest topic: that of a stream with the longest name, which begins with a slash that the topic has not.</summary>
    public const int MaxBytes = StreamPath.MaxBytes - 1 + 1 + TopicName.MaxBytes;

    /// <summary>The stream of topics that begin with a slash.</summary>
    public static readonly StreamPath Root = StreamPath.Parse("/$root");

    /// <summary>Takes a topic that a client publishes apart; <paramref name="fault"/> says why it is not taken.</summary>
    public static bool TrySplit(string topic, out StreamPath stream, out ReadOnlyMemory<char> rest, out string? fault)
    {
        stream = default;
        rest = default;
        if (topic.StartsWith('$'))
        {
            fault = "topics that begin with '$' belong to the system";
            return false;
        }

        int slash = topic.IndexOf('/', StringComparison.Ordinal);
        rest = slash < 0 ? default : topic.AsMemory(slash + 1);
        if (slash == 0)
        {
            stream = Root;
            fault = null;
        }
        else if (slash == topic.Length - 1)
        {
            fault = "a topic of one level that ends with '/' cannot be told from the one without it";
            return false;
        }
        else if (!StreamPath.TryParse("/" + (slash < 0 ? topic : topic[..slash]), out stream, out fault))
        {
            return false;
        }

        int bytes = Encoding.UTF8.GetByteCount(rest.Span);
        fault = bytes > TopicName.MaxBytes
            ? $"the topic behind its first level takes {bytes} bytes, at most {TopicName.MaxBytes} are allowed"
            : fault;
        return fault is null;
    }

    /// <summary>What MQTT topics of this stream begin with, or <see langword="null"/> when plain clients do not see it. A topic that
    /// is not empty follows behind a slash.</summary>
    public static string? Prefix(StreamPath stream) => stream == Root ? string.Empty : stream.IsSystem ? null : stream.Value[1..];

    /// <summary>Whether topics of a stream with this prefix may match the filter.</summary>
    public static bool MayMatch(ReadOnlySpan<char> filter, ReadOnlySpan<char> prefix)
    {
        while (true)
        {
            int filterEnd = filter.IndexOf('/');
            ReadOnlySpan<char> filterLevel = filterEnd < 0 ? filter : filter[..filterEnd];
            if (filterLevel is "#")
            {
                return true;
            }

            int prefixEnd = prefix.IndexOf('/');
            ReadOnlySpan<char> prefixLevel = prefixEnd < 0 ? prefix : prefix[..prefixEnd];
            if (filterLevel is not "+" && !filterLevel.SequenceEqual(prefixLevel))
            {
                return false;
            }

            if (prefixEnd < 0)
            {
                return true;
            }

            if (filterEnd < 0)
            {
                return false;
            }

            filter = filter[(filterEnd + 1)..];
            prefix = prefix[(prefixEnd + 1)..];
        }
    }

    /// <summary>Writes prefix and topic as one MQTT topic, in bytes; gives how many.</summary>
    public static int Write(ReadOnlySpan<byte> prefix, bool isRoot, ReadOnlySpan<byte> topic, Span<byte> target)
    {
        prefix.CopyTo(target);
        int at = prefix.Length;
        if (isRoot || topic.Length > 0)
        {
            target[at++] = (byte)'/';
        }

        topic.CopyTo(target[at..]);
        return at + topic.Length;
    }
}
