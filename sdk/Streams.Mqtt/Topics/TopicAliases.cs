namespace Streams.Mqtt;

/// <summary>
/// The topic aliases of the messages that come in on one connection. Bounded by the topic alias maximum that this side announced;
/// forgotten with the connection. Not thread-safe: belongs to the read loop.
/// </summary>
public sealed class TopicAliases
{
    private readonly ushort _maximum;
    private string?[] _topics = [];

    /// <summary>Makes an empty table.</summary>
    /// <param name="maximum">The topic alias maximum this side announced; 0 refuses every alias.</param>
    public TopicAliases(ushort maximum)
    {
        _maximum = maximum;
    }

    /// <summary>
    /// The topic of a received message: remembers it when the message sets an alias, looks it up when the message uses one.
    /// Throws <see cref="MqttProtocolException"/>: TopicAliasInvalid when the alias is 0 or above the maximum, ProtocolError when
    /// the alias was never set or there is neither topic nor alias.
    /// </summary>
    public string Resolve(MqttPublishPacket packet)
    {
        ushort? alias = packet.Properties?.TopicAlias;
        if (alias is null)
        {
            return packet.Topic.Length > 0 ? packet.Topic : throw Refuse.Protocol("PUBLISH has neither topic nor topic alias.");
        }

        if (alias == 0 || alias > _maximum)
        {
            throw new MqttProtocolException(
                MqttReasonCode.TopicAliasInvalid, $"Topic alias {alias} is not between 1 and the announced maximum {_maximum}.");
        }

        int slot = alias.Value - 1;
        if (packet.Topic.Length == 0)
        {
            return slot < _topics.Length && _topics[slot] is { } known
                ? known
                : throw Refuse.Protocol($"Topic alias {alias} was never set on this connection.");
        }

        if (slot >= _topics.Length)
        {
            Array.Resize(ref _topics, Math.Min(_maximum, Math.Max(slot + 1, _topics.Length * 2)));
        }

        _topics[slot] = packet.Topic;
        return packet.Topic;
    }
}
