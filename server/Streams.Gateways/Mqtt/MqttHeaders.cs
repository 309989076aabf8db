using System.Buffers.Text;
using System.Globalization;
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
    private const string Format = Reserved + "format";          // "0" or "1": the payload format indicator as it was published
    private const string TextBefore = Reserved + "text";        // what stands for format 1 in older events
    private const string AtMostOnce = Reserved + "qos0";
    private const string ExactlyOnce = Reserved + "qos2";
    private const string Expiry = Reserved + "expiry";          // seconds, in digits
    private const string Publisher = Reserved + "client";
    private const string Base64 = ";base64";

    /// <summary>The headers of a message.</summary>
    /// <param name="properties">Its properties.</param>
    /// <param name="qos">Remembered: a message is never delivered with a higher one than it was published with.</param>
    /// <param name="publisher">The client, where its own messages must be known again (No Local); else <see langword="null"/>.</param>
    /// <exception cref="InvalidRequestException">Too many, too long, or a name that cannot be one.</exception>
    public static byte[] Encode(MqttProperties? properties, MqttQos qos, string? publisher)
    {
        List<EventHeader>? headers = null;
        Add(AtMostOnce, qos == MqttQos.AtMostOnce ? string.Empty : null);
        Add(ExactlyOnce, qos == MqttQos.ExactlyOnce ? string.Empty : null);
        Add(Publisher, publisher);
        if (properties is not null)
        {
            Add(ContentType, properties.ContentType);
            Add(ResponseTopic, properties.ResponseTopic);
            Add(Expiry, properties.MessageExpiryInterval?.ToString(CultureInfo.InvariantCulture));
            Add(Format, properties.PayloadIsText switch { true => "1", false => "0", null => null });
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

    /// <summary>What the headers of an event say. Reserved names that are not known here, of a later version, say nothing.</summary>
    public static MessageTraits Decode(ReadOnlyMemory<byte> headers)
    {
        MessageTraits traits = new(MqttQos.AtLeastOnce);
        if (headers.IsEmpty || !EventHeader.TryDecode(headers, out IReadOnlyList<EventHeader> list))
        {
            return traits;
        }

        MqttProperties? properties = null;
        foreach (EventHeader header in list)
        {
            if (header.Name.StartsWith(Reserved, StringComparison.Ordinal))
            {
                DecodeReserved(header, ref traits, ref properties);
            }
            else
            {
                AddUser(properties ??= new MqttProperties(), header);
            }
        }

        return traits with { Properties = properties };
    }

    private static void DecodeReserved(EventHeader header, ref MessageTraits traits, ref MqttProperties? properties)
    {
        switch (header.Name)
        {
            case AtMostOnce:
                traits = traits with { Published = MqttQos.AtMostOnce };
                break;
            case ExactlyOnce:
                traits = traits with { Published = MqttQos.ExactlyOnce };
                break;
            case Expiry:
                traits = traits with { ExpirySeconds = Number(header.Value) };
                break;
            case Publisher:
                traits = traits with { Publisher = Utf8(header.Value) };
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
            case Format:
                (properties ??= new MqttProperties()).PayloadIsText = header.Value.Span.SequenceEqual("1"u8);
                break;
            case TextBefore:
                (properties ??= new MqttProperties()).PayloadIsText = true;
                break;
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

    private static uint? Number(ReadOnlyMemory<byte> digits) =>
        Utf8Parser.TryParse(digits.Span, out uint value, out int read) && read == digits.Length ? value : null;

    private static string Utf8(ReadOnlyMemory<byte> value) => Encoding.UTF8.GetString(value.Span);
}
