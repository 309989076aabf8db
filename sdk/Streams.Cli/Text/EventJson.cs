using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Streams.Client;
using Streams.Core;

namespace Streams.Cli;

/// <summary>An event as one line of JSON: what <c>consume</c> and <c>outbox export</c> write and <c>publish --from-export</c> reads.
/// Bytes that are UTF-8 are written as text (<c>payload</c>), others as base64 (<c>payloadBase64</c>).</summary>
internal static class EventJson
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>An event that a consumer was given.</summary>
    public static ReadOnlySpan<byte> Of(ReceivedEvent e, ArrayBufferWriter<byte> buffer) => Write(buffer, writer =>
    {
        writer.WriteString("stream", e.Stream.Value);
        writer.WriteNumber("partition", e.Partition.Value);
        writer.WriteString("origin", e.Place.Origin.ToString());
        writer.WriteNumber("offset", e.Place.Offset.Value);
        writer.WriteString("identity", e.Identity.ToString());
        if (e.OrderReleased)
        {
            writer.WriteBoolean("orderReleased", true);
        }

        Content(writer, Encoding.UTF8.GetBytes(e.Topic.Value), e.Key.Span, e.Headers, e.Payload.Span, e.Timestamp);
    });

    /// <summary>An event of an outbox.</summary>
    public static ReadOnlySpan<byte> Of(KeptEvent e, ProducerId? producer, ArrayBufferWriter<byte> buffer) => Write(buffer, writer =>
    {
        if (e.Partition is { } partition)
        {
            writer.WriteString("stream", partition.Stream.Value);
            writer.WriteNumber("partition", partition.Partition.Value);
        }

        writer.WriteNumber("row", e.Id);
        writer.WriteString("identity", producer is { } id
            ? new EventIdentity(id, e.Epoch, e.Sequence).ToString() : $"{e.Epoch:x16}:{e.Sequence}");
        if (e.Reason is not null)
        {
            writer.WriteString("refused", e.Reason);
        }

        if (e.IsEncrypted)
        {
            writer.WriteBoolean("encrypted", true);
            Content(writer, e.Topic, default, [], default, e.Timestamp);
            return;
        }

        PlainEvent content = e.Content;
        if (content.Headers.Length > 0 && e.HeaderList.Count == 0)
        {
            writer.WriteBase64String("headersUnreadableBase64", content.Headers.Span);
        }

        Content(writer, e.Topic, content.Key.Span, e.HeaderList, content.Payload.Span, e.Timestamp);
    });

    /// <summary>Reads the content of an event back.</summary>
    /// <exception cref="FormatException">The line is no event; the message says why.</exception>
    public static EventLine Read(string line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement;
            List<EventHeader> headers = [];
            if (root.TryGetProperty("encrypted", out JsonElement encrypted) && encrypted.ValueKind == JsonValueKind.True)
            {
                throw new FormatException("its content is encrypted: export it with --outbox-keys");
            }

            if (root.TryGetProperty("headers", out JsonElement list))
            {
                foreach (JsonElement header in list.EnumerateArray())
                {
                    headers.Add(new EventHeader(header.GetProperty("name").GetString()!, Bytes(header, "value")));
                }
            }

            return new EventLine(
                root.TryGetProperty("stream", out JsonElement stream) ? StreamPath.Parse(stream.GetString()) : null,
                TopicName.Parse(root.GetProperty("topic").GetString()), Bytes(root, "key"), headers, Bytes(root, "payload"),
                root.TryGetProperty("timestamp", out JsonElement time) ? time.GetDateTimeOffset() : null);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException
            or InvalidRequestException)
        {
            throw new FormatException(e is KeyNotFoundException ? "it has no topic" : e.Message, e);
        }
    }

    private static ReadOnlySpan<byte> Write(ArrayBufferWriter<byte> buffer, Action<Utf8JsonWriter> content)
    {
        buffer.ResetWrittenCount();
        using (Utf8JsonWriter writer = new(buffer, Plain))
        {
            writer.WriteStartObject();
            content(writer);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan;
    }

    private static void Content(Utf8JsonWriter writer, ReadOnlySpan<byte> topic, ReadOnlySpan<byte> key, IReadOnlyList<EventHeader> headers,
        ReadOnlySpan<byte> payload, DateTimeOffset timestamp)
    {
        Bytes(writer, "topic", topic);
        if (!key.IsEmpty)
        {
            Bytes(writer, "key", key);
        }

        if (headers.Count > 0)
        {
            writer.WriteStartArray("headers");
            foreach (EventHeader header in headers)
            {
                writer.WriteStartObject();
                writer.WriteString("name", header.Name);
                Bytes(writer, "value", header.Value.Span);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        writer.WriteString("timestamp", timestamp);
        Bytes(writer, "payload", payload);
    }

    private static void Bytes(Utf8JsonWriter writer, string name, ReadOnlySpan<byte> bytes)
    {
        if (IsText(bytes))
        {
            writer.WriteString(name, bytes);
        }
        else
        {
            writer.WriteBase64String(name + "Base64", bytes);
        }
    }

    /// <summary>Whether bytes are UTF-8 that comes back as it was.</summary>
    public static bool IsText(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _ = Strict.GetCharCount(bytes);
            return true;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }

    private static byte[] Bytes(JsonElement element, string name) =>
        element.TryGetProperty(name + "Base64", out JsonElement base64) ? base64.GetBytesFromBase64()
        : element.TryGetProperty(name, out JsonElement text) ? Encoding.UTF8.GetBytes(text.GetString()!) : [];
}

/// <summary>The content of an event as it is read from a line.</summary>
internal sealed record EventLine(StreamPath? Stream, TopicName Topic, byte[] Key, IReadOnlyList<EventHeader> Headers, byte[] Payload,
    DateTimeOffset? Timestamp);
