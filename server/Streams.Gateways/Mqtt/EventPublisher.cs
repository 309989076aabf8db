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
    private readonly StagedPublishes _staged = new(connection);
    private bool _saidTooLarge;

    /// <summary>Bytes of messages that wait until the window is in the log.</summary>
    public int StagedBytes => _staged.Bytes;

    /// <summary>Whether messages wait until the window is in the log.</summary>
    public bool HasStaged => !_staged.IsEmpty;

    /// <summary>The window is in the log: what waited for that goes out.</summary>
    public void WriteStaged() => _staged.Write();

    /// <summary>Writes an event, or confirms it at once when there is nothing to write: the client's own, or more than it takes.</summary>
    public void Publish(PartitionReading reading, in GivenEvent given)
    {
        switch (window.Find(reading, given, out ushort known))
        {
            case Regiven.Done:
                reading.Reader.Confirm(given.Ticket);
                return;
            case Regiven.UnderWay:
                return;
            case Regiven.Again when window.TryGet(known, out InFlight message):
                if (!PublishAgain(reading, given, known, message.Qos) && window.Remove(known, out _))
                {
                    reading.Reader.Confirm(given.Ticket);
                }

                return;
        }

        if (!TryCompose(reading, given, null, out MqttPublishHead head))
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

    /// <summary>Writes an event once more that an earlier connection sent, with DUP, under its identifier and with its QoS, whether or
    /// not a filter still asks for it (MQTT-3.3.1-1, MQTT-3.10.4-3). False when the client takes no packet of that size, or may not have
    /// it.</summary>
    public bool PublishAgain(PartitionReading reading, in GivenEvent given, ushort packetId, MqttQos qos)
    {
        bool wanted = reading.Filter.Wants(given.Origin, given.Offset, given.View.Topic.Span);
        if ((!wanted && reading.Filter.Found.Count > 0) || !TryCompose(reading, given, qos, out MqttPublishHead head))
        {
            return false;
        }

        Write(head with { PacketId = packetId, Duplicate = true }, given.View.Payload, mustStage: false);
        window.SentAgain(packetId);
        return true;
    }

    private void Write(in MqttPublishHead head, ReadOnlyMemory<byte> payload, bool mustStage)
    {
        if (mustStage || HasStaged)
        {
            _staged.Add(head, payload);
        }
        else
        {
            connection.WritePublish(head, new ReadOnlySequence<byte>(payload));
        }

        services.Meter.Deliveries.Add(1);
        services.Meter.DeliveryBytes.Add(payload.Length);
    }

    // The head is valid until the next call: topic and properties stand in the scratch. Its packet identifier is still to be given.
    // Sent once before it has the QoS that it was sent with.
    private bool TryCompose(PartitionReading reading, in GivenEvent given, MqttQos? sentWith, out MqttPublishHead head)
    {
        head = default;
        MessageTraits traits = MqttHeaders.Decode(given.View.Headers);
        MqttProperties? properties = traits.Properties;
        if (!IsWanted(reading.Filter.Found, traits.Publisher == client.ClientId, out MqttQos granted, ref properties)
            && sentWith is null)
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

        MqttQos qos = sentWith ?? (traits.Published < granted ? traits.Published : granted);
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
