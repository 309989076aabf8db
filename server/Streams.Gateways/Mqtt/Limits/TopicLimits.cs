using System.Text;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>How long topics and filters may be, and of how many levels.</summary>
/// <param name="maxBytes">Most bytes of UTF-8.</param>
/// <param name="maxLevels">Most levels.</param>
internal sealed class TopicLimits(int maxBytes, int maxLevels)
{
    private const string Shared = "$share/";

    /// <summary>What is wrong with a topic; <see langword="null"/> for nothing.</summary>
    public string? Fault(ReadOnlySpan<char> topic)
    {
        // A character takes one to three bytes, a pair of surrogates four: counted only where it may matter.
        if (topic.Length > maxBytes || (topic.Length > maxBytes / 3 && Encoding.UTF8.GetByteCount(topic) > maxBytes))
        {
            return $"a topic has at most {maxBytes} bytes here";
        }

        return topic.Length >= maxLevels && topic.Count('/') >= maxLevels ? $"a topic has at most {maxLevels} levels here" : null;
    }

    /// <summary>The same of a filter; the name of a share and what stands before it do not count.</summary>
    public string? FaultInFilter(ReadOnlySpan<char> filter)
    {
        if (filter.StartsWith(Shared) && filter[Shared.Length..].IndexOf('/') is var slash and >= 0)
        {
            filter = filter[(Shared.Length + slash + 1)..];
        }

        return Fault(filter);
    }

    /// <summary>The message as far as the gateway looks at it: a topic that is too long is cut, still too long, so that a topic alias
    /// that it sets holds no memory.</summary>
    public MqttPublishPacket Cut(MqttPublishPacket packet) => packet.Topic.Length <= maxBytes + 1 ? packet : new MqttPublishPacket
    {
        Topic = packet.Topic[..(maxBytes + 1)],
        Qos = packet.Qos,
        Retain = packet.Retain,
        Duplicate = packet.Duplicate,
        PacketId = packet.PacketId,
        Properties = packet.Properties,
    };
}
