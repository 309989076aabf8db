using System.Buffers;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>Messages that may not go out before the log says under which identifiers: a message of QoS 2 that was sent and is sent again
/// under another identifier would be two messages. What comes behind them waits too, so that the order stays.</summary>
/// <remarks>Holds copies, bounded by who adds. Belongs to the session's delivery loop.</remarks>
internal sealed class StagedPublishes
{
    private readonly List<(MqttPublishHead Head, byte[] Payload)> _waiting = [];

    /// <summary>Bytes held.</summary>
    public int Bytes { get; private set; }

    /// <summary>Whether nothing waits.</summary>
    public bool IsEmpty => _waiting.Count == 0;

    /// <summary>Takes a copy of a message.</summary>
    public void Add(in MqttPublishHead head, ReadOnlyMemory<byte> payload)
    {
        MqttPublishHead copy = head with
        {
            TopicUtf8 = head.TopicUtf8.ToArray(),
            EncodedProperties = head.EncodedProperties.ToArray(),
        };
        _waiting.Add((copy, payload.ToArray()));
        Bytes += payload.Length + head.TopicUtf8.Length + head.EncodedProperties.Length;
    }

    /// <summary>Writes them, in order.</summary>
    public void WriteTo(PublishWriter writer)
    {
        foreach ((MqttPublishHead head, byte[] payload) in _waiting)
        {
            writer.Write(head, new ReadOnlySequence<byte>(payload));
        }

        _waiting.Clear();
        Bytes = 0;
    }
}
