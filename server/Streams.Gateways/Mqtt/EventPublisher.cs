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
    private bool _saidTooLarge;

    /// <summary>Writes an event, or confirms it at once when there is nothing to write: the client's own, or more than it takes.</summary>
    public void Publish(PartitionReading reading, in GivenEvent given)
    {
        MessageTraits traits = MqttHeaders.Decode(given.View.Headers);
        MqttProperties? properties = traits.Properties;
        MqttQos granted = Granted(reading.Filter.Found, out bool allNoLocal, ref properties);
        if (allNoLocal && traits.Publisher == client.ClientId)
        {
            reading.Reader.Confirm(given.Ticket);
            return;
        }

        _scratch.ResetWrittenCount();
        Span<byte> topic = _scratch.GetSpan(reading.Prefix.Length + 1 + given.View.Topic.Length);
        int topicBytes = TopicMap.Write(reading.Prefix, reading.IsRoot, given.View.Topic.Span, topic);
        _scratch.Advance(topicBytes);
        if (client.IsV5)
        {
            WritePlace(reading, given);
        }

        MqttQos qos = traits.Published < granted ? traits.Published : granted;
        MqttPublishHead head = new()
        {
            TopicUtf8 = _scratch.WrittenMemory[..topicBytes],
            EncodedProperties = _scratch.WrittenMemory[topicBytes..],
            Properties = client.IsV5 ? properties : null,
            Qos = qos,
            PacketId = qos == MqttQos.AtMostOnce ? (ushort)0 : ushort.MaxValue,
        };
        if (client.MaxPacketBytes < MqttDecodeOptions.LargestPacket && IsTooLarge(reading, head, given))
        {
            reading.Reader.Confirm(given.Ticket);
            return;
        }

        if (qos != MqttQos.AtMostOnce)
        {
            head = head with { PacketId = window.Add(new InFlight(reading, given.Ticket, reading.Partition, given.Origin, given.Offset, qos)) };
        }

        connection.WritePublish(head, new ReadOnlySequence<byte>(given.View.Payload));
        services.Meter.Deliveries.Add(1);
        services.Meter.DeliveryBytes.Add(given.View.Payload.Length);
        if (qos == MqttQos.AtMostOnce)
        {
            reading.Reader.Confirm(given.Ticket);
        }
    }

    private static MqttQos Granted(List<Subscription> found, out bool allNoLocal, ref MqttProperties? properties)
    {
        MqttQos qos = MqttQos.AtMostOnce;
        allNoLocal = true;
        foreach (Subscription subscription in found)
        {
            qos = subscription.Qos > qos ? subscription.Qos : qos;
            allNoLocal &= subscription.NoLocal;
            if (subscription.Identifier != 0)
            {
                (properties ??= new MqttProperties()).AddSubscription(subscription.Identifier);
            }
        }

        return qos;
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
