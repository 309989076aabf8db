using System.Buffers;
using System.Buffers.Text;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>Writes events as PUBLISH packets to one client. Belongs to the session's delivery loop.</summary>
internal sealed class EventPublisher(GatewayServices services, MqttConnection connection, ClientInfo client, OutboundWindow window)
{
    private const int OffsetDigits = 20;
    private static readonly byte[] s_offsetName = [0x26, 0, 6, .. "offset"u8];

    private readonly ArrayBufferWriter<byte> _scratch = new();
    private readonly List<Subscription> _shared = new(1);
    private bool _saidTooLarge;

    /// <summary>Writes an event, or confirms it at once when there is nothing to write: the client's own, or more than it takes.</summary>
    public void Publish(PartitionReading reading, in GivenEvent given)
    {
        if (!IsAwaited(reading, given, reading.Filter.Found, null))
        {
            reading.Reader.Confirm(given.Ticket);
        }
    }

    /// <summary>Writes a message of a shared subscription; its owner hears of the acknowledgement, or at once when there is none to wait
    /// for.</summary>
    public void PublishShared(in ShareMessage message, Subscription subscription, IMessageOwner owner)
    {
        _shared.Clear();
        _shared.Add(subscription);
        if (!IsAwaited(message.Reading, message.Given, _shared, owner))
        {
            owner.Done(message.Given.Ticket);
        }
    }

    // Whether its acknowledgement is awaited: it was written with QoS above 0.
    private bool IsAwaited(PartitionReading reading, in GivenEvent given, List<Subscription> found, IMessageOwner? owner)
    {
        if (!TryCompose(reading, given, found, out MqttPublishHead head))
        {
            return false;
        }

        if (head.Qos != MqttQos.AtMostOnce)
        {
            InFlight message = new(owner is null ? reading : null, given.Ticket, reading.Partition, given.Origin, given.Offset, head.Qos)
            {
                Owner = owner,
            };
            head = head with { PacketId = window.Add(message) };
        }

        connection.WritePublish(head, new ReadOnlySequence<byte>(given.View.Payload));
        services.Meter.Deliveries.Add(1);
        services.Meter.DeliveryBytes.Add(given.View.Payload.Length);
        return head.Qos != MqttQos.AtMostOnce;
    }

    // The head is valid until the next call: topic and properties stand in the scratch. Its packet identifier is still to be given.
    private bool TryCompose(PartitionReading reading, in GivenEvent given, List<Subscription> found, out MqttPublishHead head)
    {
        head = default;
        MessageTraits traits = MqttHeaders.Decode(given.View.Headers);
        MqttProperties? properties = traits.Properties;
        if (!IsWanted(found, traits.Publisher == client.ClientId, out MqttQos granted, ref properties))
        {
            return false;
        }

        _scratch.ResetWrittenCount();
        Span<byte> topic = _scratch.GetSpan(reading.Prefix.Length + 1 + given.View.Topic.Length);
        int topicBytes = TopicMap.Write(reading.Prefix, reading.IsRoot, given.View.Topic.Span, topic);
        _scratch.Advance(topicBytes);
        if (client.IsV5 && client.Places.Name(traits.Properties))
        {
            WritePlace(reading, given);
        }

        MqttQos qos = traits.Published < granted ? traits.Published : granted;
        head = new MqttPublishHead
        {
            TopicUtf8 = _scratch.WrittenMemory[..topicBytes],
            EncodedProperties = _scratch.WrittenMemory[topicBytes..],
            Properties = client.IsV5 ? properties : null,
            Qos = qos,
            PacketId = qos == MqttQos.AtMostOnce ? (ushort)0 : ushort.MaxValue,
        };
        return client.MaxPacketBytes >= MqttDecodeOptions.LargestPacket || !IsTooLarge(reading, head, given);
    }

    // Its own message is, for a client, as if the filters that leave such out were not there. False when no filter is left.
    private static bool IsWanted(List<Subscription> found, bool isOwn, out MqttQos granted, ref MqttProperties? properties)
    {
        granted = MqttQos.AtMostOnce;
        bool wanted = false;
        foreach (Subscription subscription in found)
        {
            if (isOwn && subscription.NoLocal)
            {
                continue;
            }

            wanted = true;
            granted = subscription.Qos > granted ? subscription.Qos : granted;
            if (subscription.Identifier != 0)
            {
                (properties ??= new MqttProperties()).AddSubscription(subscription.Identifier);
            }
        }

        return wanted;
    }

    // stream, partition and origin as kept, then the offset in digits: no text is made.
    private void WritePlace(PartitionReading reading, in GivenEvent given)
    {
        _scratch.Write(reading.Place(given.Origin));
        _scratch.Write(s_offsetName);
        Span<byte> value = _scratch.GetSpan(2 + OffsetDigits);
        Utf8Formatter.TryFormat(given.Offset.Value, value[2..], out int digits);
        (value[0], value[1]) = (0, (byte)digits);
        _scratch.Advance(2 + digits);
        if (given.Release != Release.None)
        {
            MqttPacketWriter.WriteUserProperty(_scratch, "released", given.Release == Release.Patience ? "patience" : "closed");
        }
    }

    private bool IsTooLarge(PartitionReading reading, in MqttPublishHead head, in GivenEvent given)
    {
        int bytes = MqttPacketWriter.SizeOfPublish(head, given.View.Payload.Length, client.Version);
        if (bytes <= client.MaxPacketBytes)
        {
            return false;
        }

        services.Meter.DeliveriesTooLarge.Add(1);
        if (!_saidTooLarge)
        {
            _saidTooLarge = true;
            GatewayLog.TooLargeForClient(services.Log, client.ClientId, reading.Partition.ToString(), bytes, client.MaxPacketBytes);
        }

        return true;
    }
}
