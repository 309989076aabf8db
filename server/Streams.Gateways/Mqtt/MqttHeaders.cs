using System.Text;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>What of an MQTT message is not topic and payload, as event headers: user properties under their names, the rest under
/// names that begin with
/// <see cref="Reserved"/>, which clients may not use.</summary>
internal static class MqttHeaders
{
    /// <summary>Names that begin so are the gateway's.</summary>
    public const string Reserved = "mqtt.";

    private const string ContentType = Reserved + "content-type";
    private const string ResponseTopic = Reserved + "response-topic";
    private const string Correlation = Reserved + "correlation-data";
    private const string Text = Reserved + "text";
    private const string AtMostOnce = Reserved + "qos0";
    private const string Publisher = Reserved + "client";
    private const string Base64 = ";base64";

    /// <summary>The headers of a message.</summary>
    /// <param name="properties">Its properties.</param>
    /// <param name="qos">QoS 0 is remembered: a message is never delivered with a higher one than it was published with.</param>
    /// <param name="publisher">The client, where its own messages must be known again (No Local); else <see langword="null"/>.</param>
    /// <exception cref="InvalidRequestException">Too many, too long, or a name that cannot be one.</exception>
    public static byte[] Encode(MqttProperties? properties, MqttQos qos, string? publisher)
    {
        List<EventHeader>? headers = null;
        Add(AtMostOnce, qos == MqttQos.AtMostOnce ? string.Empty : null);
        Add(Publisher, publisher);
        if (properties is not null)
        {
            Add(ContentType, properties.ContentType);
            Add(ResponseTopic, properties.ResponseTopic);
            Add(Text, properties.PayloadIsText == true ? string.Empty : null);
            if (properties.CorrelationData is { } correlation)
            {
                (headers ??= []).Add(new EventHeader(Correlation, correlation));
            }

            foreach (MqttUserProperty property in properties.UserProperties)
            {
                if (property.Name.StartsWith(Reserved, StringComparison.Ordinal))
                {
                    throw new InvalidRequestException(
                        $"user property '{property.Name}': names that begin with '{Reserved}' are the gateway's");
                }

                Add(property.Name, property.Value);
            }
        }

        return headers is null ? [] : EventHeader.Encode(headers);

        void Add(string name, string? value)
        {
            if (value is not null)
            {
                (headers ??= []).Add(new EventHeader(name, Encoding.UTF8.GetBytes(value)));
            }
        }
    }

    /// <summary>Puts the headers of an event into the properties of the message that delivers it.</summary>
    /// <param name="headers">The stored headers.</param>
    /// <param name="properties">Made when there is something to put in.</param>
    /// <param name="publishedAtMostOnce">Whether the event came with QoS 0.</param>
    /// <param name="publisher">The client that published it, where that was kept.</param>
    public static void Decode(ReadOnlyMemory<byte> headers, ref MqttProperties? properties, out bool publishedAtMostOnce,
        out string? publisher)
    {
        publishedAtMostOnce = false;
        publisher = null;
        if (headers.IsEmpty || !EventHeader.TryDecode(headers, out IReadOnlyList<EventHeader> list))
        {
            return;
        }

        foreach (EventHeader header in list)
        {
            switch (header.Name)
            {
                case AtMostOnce:
                    publishedAtMostOnce = true;
                    break;
                case Publisher:
                    publisher = Utf8(header.Value);
                    break;
                case ContentType:
                    (properties ??= new MqttProperties()).ContentType = Utf8(header.Value);
                    break;
                case ResponseTopic:
                    (properties ??= new MqttProperties()).ResponseTopic = Utf8(header.Value);
                    break;
                case Correlation:
                    (properties ??= new MqttProperties()).CorrelationData = header.Value.ToArray();
                    break;
                case Text:
                    (properties ??= new MqttProperties()).PayloadIsText = true;
                    break;
                default:
                    AddUser(properties ??= new MqttProperties(), header);
                    break;
            }
        }
    }

    // Values are bytes, user properties are text: what is no text goes as base64, and its name says so.
    private static void AddUser(MqttProperties properties, EventHeader header)
    {
        bool isText = header.Value.Length <= ushort.MaxValue && System.Text.Unicode.Utf8.IsValid(header.Value.Span)
            && !header.Value.Span.Contains((byte)0);
        if (isText)
        {
            properties.Add(header.Name, Utf8(header.Value));
        }
        else if (header.Value.Length <= ushort.MaxValue / 4 * 3)
        {
            properties.Add(header.Name + Base64, Convert.ToBase64String(header.Value.Span));
        }
    }

    private static string Utf8(ReadOnlyMemory<byte> value) => Encoding.UTF8.GetString(value.Span);
}
