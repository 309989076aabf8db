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
    private readonly PublishWriter _writer = new(connection, client, services.Options.AliasesToClient);
    private readonly List<Subscription> _single = [];
    private bool _saidTooLarge;

    /// <summary>Writes an event, or confirms it at once when there is nothing to write: the client's own, expired, or more than it
    /// takes.</summary>
    public void Publish(PartitionReading reading, in GivenEvent given)
    {
        OutboundEvent outbound = new()
        {
            Partition = reading.Partition,
            Origin = given.Origin,
            Offset = given.Offset,
            TimestampMicroseconds = given.View.TimestampMicroseconds,
            Prefix = reading.Prefix,
            Topic = given.View.Topic,
            Headers = given.View.Headers,
            Payload = given.View.Payload,
            IsRetained = given.View.IsRetained,
            Release = given.Release,
        };
        if (!TryCompose(outbound, reading.Filter.Found, reading, out MqttPublishHead head))
        {
            reading.Reader.Confirm(given.Ticket);
            return;
        }

        InFlight message = new(reading, given.Ticket, reading.Partition, given.Origin, given.Offset, head.Qos);
        if (Write(head, message, given.View.Payload) == 0)
        {
            reading.Reader.Confirm(given.Ticket);
        }
    }

    /// <summary>Writes a retained message for a new subscription, with the retain flag; gives its packet identifier, or 0 when there is
    /// nothing to wait for.</summary>
    public ushort PublishRetained(Subscription subscription, ReadOnlyMemory<byte> prefix, RetainedMessage retained)
    {
        RetainedHead of = retained.Head;
        OutboundEvent outbound = new()
        {
            Partition = of.Lane.Partition,
            Origin = of.Lane.Origin,
            Offset = of.Offset,
            TimestampMicroseconds = of.TimestampMicroseconds,
            Prefix = prefix,
            Topic = of.Topic,
            Headers = retained.Headers,
            Payload = retained.Payload,
        };
        _single.Clear();
        _single.Add(subscription);
        if (!TryCompose(outbound, _single, null, out MqttPublishHead head))
        {
            return 0;
        }

        services.Meter.DeliveriesRetained.Add(1);
        InFlight message = new(null, 0, of.Lane.Partition, of.Lane.Origin, of.Offset, head.Qos);
        return Write(head with { Retain = true }, message, retained.Payload);
    }

    // Gives the packet identifier; 0 with QoS 0.
    private ushort Write(MqttPublishHead head, in InFlight message, ReadOnlyMemory<byte> payload)
    {
        if (head.Qos != MqttQos.AtMostOnce)
        {
            head = head with { PacketId = window.Add(message) };
        }

        _writer.Write(head, new ReadOnlySequence<byte>(payload));
        services.Meter.Deliveries.Add(1);
        services.Meter.DeliveryBytes.Add(payload.Length);
        return head.PacketId;
    }

    // The head is valid until the next call: topic and properties stand in the scratch. Its packet identifier is still to be given.
    private bool TryCompose(in OutboundEvent outbound, List<Subscription> found, PartitionReading? reading, out MqttPublishHead head)
    {
        head = default;
        MessageTraits traits = MqttHeaders.Decode(outbound.Headers);
        MqttProperties? properties = traits.Properties;
        if (!IsWanted(found, traits.Publisher == client.ClientId, out MqttQos granted, out bool asPublished, ref properties)
            || !IsInTime(outbound, traits, ref properties))
        {
            return false;
        }

        _scratch.ResetWrittenCount();
        Span<byte> topic = _scratch.GetSpan(outbound.Prefix.Length + 1 + outbound.Topic.Length);
        int topicBytes = TopicMap.Write(outbound.Prefix.Span, outbound.Prefix.IsEmpty, outbound.Topic.Span, topic);
        _scratch.Advance(topicBytes);
        if (client.IsV5 && client.Places.Name(traits.Properties))
        {
            WritePlace(outbound, reading);
        }

        MqttQos qos = traits.Published < granted ? traits.Published : granted;
        head = new MqttPublishHead
        {
            TopicUtf8 = _scratch.WrittenMemory[..topicBytes],
            EncodedProperties = _scratch.WrittenMemory[topicBytes..],
            Properties = client.IsV5 ? properties : null,
            Qos = qos,
            Retain = asPublished && outbound.IsRetained,
            PacketId = qos == MqttQos.AtMostOnce ? (ushort)0 : ushort.MaxValue,
        };
        return client.MaxPacketBytes >= MqttDecodeOptions.LargestPacket || !IsTooLarge(head, outbound);
    }

    // The interval it is given with is lessened by the time that it spent here.
    private bool IsInTime(in OutboundEvent outbound, in MessageTraits traits, ref MqttProperties? properties)
    {
        if (traits.ExpirySeconds is null)
        {
            return true;
        }

        bool inTime = MessageExpiry.TryGetLeft(traits.ExpirySeconds, outbound.TimestampMicroseconds, services.NowMicroseconds,
            out uint? left);
        (properties ??= new MqttProperties()).MessageExpiryInterval = left;
        if (!inTime)
        {
            services.Meter.DeliveriesExpired.Add(1);
        }

        return inTime;
    }

    // Its own message is, for a client, as if the filters that leave such out were not there. False when no filter is left.
    private static bool IsWanted(List<Subscription> found, bool isOwn, out MqttQos granted, out bool asPublished,
        ref MqttProperties? properties)
    {
        granted = MqttQos.AtMostOnce;
        asPublished = false;
        bool wanted = false;
        foreach (Subscription subscription in found)
        {
            if (isOwn && subscription.NoLocal)
            {
                continue;
            }

            wanted = true;
            granted = subscription.Qos > granted ? subscription.Qos : granted;
            asPublished |= subscription.RetainAsPublished;
            if (subscription.Identifier != 0)
            {
                (properties ??= new MqttProperties()).AddSubscription(subscription.Identifier);
            }
        }

        return wanted;
    }

    // stream, partition and origin, as kept where there is a reading, then the offset in digits: no text is made.
    private void WritePlace(in OutboundEvent outbound, PartitionReading? reading)
    {
        if (reading is null)
        {
            PartitionReading.WritePlace(_scratch, outbound.Partition, outbound.Origin);
        }
        else
        {
            _scratch.Write(reading.Place(outbound.Origin));
        }

        _scratch.Write(s_offsetName);
        Span<byte> value = _scratch.GetSpan(2 + OffsetDigits);
        Utf8Formatter.TryFormat(outbound.Offset.Value, value[2..], out int digits);
        (value[0], value[1]) = (0, (byte)digits);
        _scratch.Advance(2 + digits);
        if (outbound.Release != Release.None)
        {
            MqttPacketWriter.WriteUserProperty(_scratch, "released", outbound.Release == Release.Patience ? "patience" : "closed");
        }
    }

    private bool IsTooLarge(in MqttPublishHead head, in OutboundEvent outbound)
    {
        int bytes = MqttPacketWriter.SizeOfPublish(head, outbound.Payload.Length, client.Version);
        if (bytes <= client.MaxPacketBytes)
        {
            return false;
        }

        services.Meter.DeliveriesTooLarge.Add(1);
        if (!_saidTooLarge)
        {
            _saidTooLarge = true;
            GatewayLog.TooLargeForClient(services.Log, client.ClientId, outbound.Partition.ToString(), bytes, client.MaxPacketBytes);
        }

        return true;
    }
}
