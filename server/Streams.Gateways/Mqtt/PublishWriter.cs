using System.Buffers;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>Writes messages to one client, with topic aliases where it takes some. Belongs to the session's delivery loop: aliases are
/// right because what this writes goes out in the same order.</summary>
internal sealed class PublishWriter(MqttConnection connection, ClientInfo client, int aliases)
{
    private readonly OutboundAliases _aliases = new(client.IsV5 ? Math.Min(aliases, client.AliasMaximum) : 0);

    /// <summary>Writes a message whose topic is given in bytes, and which the client takes as it is. An alias never makes it larger than
    /// that.</summary>
    public void Write(in MqttPublishHead head, in ReadOnlySequence<byte> payload)
    {
        AliasUse use = _aliases.Plan(head.TopicUtf8.Span);
        if (use.Alias == 0)
        {
            connection.WritePublish(head, payload);
            return;
        }

        MqttPublishHead aliased = head with { TopicAlias = use.Alias, TopicUtf8 = use.IsKnown ? default : head.TopicUtf8 };
        if (!use.IsKnown && client.MaxPacketBytes < MqttDecodeOptions.LargestPacket
            && MqttPacketWriter.SizeOfPublish(aliased, payload.Length, client.Version) > client.MaxPacketBytes)
        {
            connection.WritePublish(head, payload);
            return;
        }

        connection.WritePublish(aliased, payload);
        _aliases.Sent(use, head.TopicUtf8.Span);
    }
}
