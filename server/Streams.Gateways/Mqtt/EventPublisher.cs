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
    private readonly StagedPublishes _staged = new();
    private bool _saidTooLarge;

    /// <summary>Bytes of messages that wait until the window is in the log.</summary>
    public int StagedBytes => _staged.Bytes;

    /// <summary>Whether messages wait until the window is in the log.</summary>
    public bool HasStaged => !_staged.IsEmpty;

    /// <summary>The window is in the log: what waited for that goes out.</summary>
    public void WriteStaged() => _staged.WriteTo(_writer);

    /// <summary>Writes an event, or confirms it at once when there is nothing to write: the client's own, expired, or more than it
    /// takes.</summary>
    public void Publish(PartitionReading reading, in GivenEvent given)
    {
        switch (window.Find(reading, given, out ushort known))
        {
            case Regiven.Done:
                reading.Reader.Confirm(given.Ticket);
                return;
            case Regiven.UnderWay:
                return;
            case Regiven.Again when window.TryGet(known, out InFlight sent):
                if (!PublishAgain(reading, given, known, sent.Qos) && window.Remove(known, out _))
                {
                    reading.Reader.Confirm(given.Ticket);
                }

                return;
        }

        if (!TryCompose(Outbound(reading, given), reading.Filter.Found, reading, null, out MqttPublishHead head))
        {
            reading.Reader.Confirm(given.Ticket);
            return;
        }

        if (head.Qos != MqttQos.AtMostOnce)
        {
            InFlight message = new(reading, given.Ticket, reading.Partition, given.Origin, given.Offset, head.Qos);
            head = head with { PacketId = window.Add(message) };
        }

        Write(head, given.View.Payload, mustStage: window.IsKept && head.Qos == MqttQos.ExactlyOnce);
        if (head.Qos == MqttQos.AtMostOnce)
        {
            reading.Reader.Confirm(given.Ticket);
        }
    }

    /// <summary>Writes a message of a shared subscription; its owner hears of the acknowledgement, or at once when there is none to wait
    /// for.</summary>
    public void PublishShared(in ShareMessage message, Subscription subscription, IMessageOwner owner)
    {
        GivenEvent given = message.Given;
        _single.Clear();
        _single.Add(subscription);
        if (!TryCompose(Outbound(message.Reading, given), _single, message.Reading, null, out MqttPublishHead head))
        {
            owner.Done(given.Ticket);
            return;
        }

        if (head.Qos != MqttQos.AtMostOnce)
        {
            InFlight sent = new(null, given.Ticket, message.Reading.Partition, given.Origin, given.Offset, head.Qos) { Owner = owner };
            head = head with { PacketId = window.Add(sent) };
        }

        Write(head, given.View.Payload, mustStage: false);
        if (head.Qos == MqttQos.AtMostOnce)
        {
            owner.Done(given.Ticket);
        }
    }

    /// <summary>Writes an event once more that an earlier connection sent, with DUP, under its identifier and with its QoS, whether or
    /// not a filter still asks for it (MQTT-3.3.1-1, MQTT-3.10.4-3). False when the client takes no packet of that size, or may not have
    /// it.</summary>
    public bool PublishAgain(PartitionReading reading, in GivenEvent given, ushort packetId, MqttQos qos)
    {
        bool wanted = reading.Filter.Wants(given.Origin, given.Offset, given.View.Topic.Span);
        if ((!wanted && reading.Filter.Found.Count > 0)
            || !TryCompose(Outbound(reading, given), reading.Filter.Found, reading, qos, out MqttPublishHead head))
        {
            return false;
        }

        Write(head with { PacketId = packetId, Duplicate = true }, given.View.Payload, mustStage: false);
        window.SentAgain(packetId);
        return true;
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
        if (!TryCompose(outbound, _single, null, null, out MqttPublishHead head))
        {
            return 0;
        }

        services.Meter.DeliveriesRetained.Add(1);
        InFlight message = new(null, 0, of.Lane.Partition, of.Lane.Origin, of.Offset, head.Qos);
        ushort packetId = head.Qos == MqttQos.AtMostOnce ? (ushort)0 : window.Add(message);
        Write(head with { Retain = true, PacketId = packetId }, retained.Payload, mustStage: false);
        return packetId;
    }

    private static OutboundEvent Outbound(PartitionReading reading, in GivenEvent given) => new()
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

    private void Write(in MqttPublishHead head, ReadOnlyMemory<byte> payload, bool mustStage)
    {
        if (mustStage || HasStaged)
        {
            _staged.Add(head, payload);
        }
        else
        {
            _writer.Write(head, new ReadOnlySequence<byte>(payload));
        }

        services.Meter.Deliveries.Add(1);
        services.Meter.DeliveryBytes.Add(payload.Length);
    }

    // The head is valid until the next call: topic and properties stand in the scratch. Its packet identifier is still to be given.
    // Sent once before it has the QoS that it was sent with, and goes out though it has expired since (MQTT-4.3.3-7).
    private bool TryCompose(in OutboundEvent outbound, List<Subscription> found, PartitionReading? reading, MqttQos? sentWith,
        out MqttPublishHead head)
    {
        head = default;
        MessageTraits traits = MqttHeaders.Decode(outbound.Headers);
        MqttProperties? properties = traits.Properties;
        bool isWanted = IsWanted(found, traits.Publisher == client.ClientId, out MqttQos granted, out bool asPublished, ref properties);
        bool isInTime = IsInTime(outbound, traits, sentWith is not null, ref properties);
        if (sentWith is null && !(isWanted && isInTime))
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

        MqttQos qos = sentWith ?? (traits.Published < granted ? traits.Published : granted);
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
    private bool IsInTime(in OutboundEvent outbound, in MessageTraits traits, bool isAgain, ref MqttProperties? properties)
    {
        if (traits.ExpirySeconds is null)
        {
            return true;
        }

        bool inTime = MessageExpiry.TryGetLeft(traits.ExpirySeconds, outbound.TimestampMicroseconds, services.NowMicroseconds,
            out uint? left);
        (properties ??= new MqttProperties()).MessageExpiryInterval = inTime ? left : 0;
        if (!inTime && !isAgain)
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
