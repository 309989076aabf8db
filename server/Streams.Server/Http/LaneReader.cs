using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Streams.Core;
using Streams.Storage;

namespace Streams.Server;

/// <summary>Reads events of a lane for the HTTP API, slice by slice, into JSON. Memory is bounded by one slice, whatever is asked
/// for.</summary>
internal static class LaneReader
{
    /// <summary>Most events of one answer.</summary>
    public const int MaxEvents = 10_000;

    /// <summary>An answer ends after the event that takes it over so many bytes of payload: clients keep it whole in memory.</summary>
    public const long MaxPayloadBytes = 64 << 20;

    /// <summary>Bytes read at once: large enough for the disk, small enough to be forgotten.</summary>
    public const int SliceBytes = 1 << 20;

    /// <summary>Writes <c>{"stream":…, "events":[…], "next":…}</c>: all events, or those of one topic, which costs what the topic
    /// has.</summary>
    public static async Task WriteAsync(
        Engine engine, LaneId lane, TopicName? topic, Offset from, int max, Stream output, CancellationToken cancellationToken)
    {
        byte[]? only = topic is { } named ? Encoding.UTF8.GetBytes(named.Value) : null;
        ArrayBufferWriter<byte> buffer = new();
        await using Utf8JsonWriter json = new(buffer, new JsonWriterOptions { SkipValidation = true });
        json.WriteStartObject();
        json.WriteString("stream", lane.Partition.Stream.Value);
        json.WriteNumber("partition", lane.Partition.Partition.Value);
        json.WriteString("origin", lane.Origin.ToString());
        if (topic is not null)
        {
            json.WriteString("topic", only!);
        }

        json.WriteNumber("from", from.Value);
        json.WriteStartArray("events");
        LaneProgress progress = new(from, max);
        bool more = true;
        while (more)
        {
            Offset before = progress.Next;
            TopicSlice read = topic is { } name
                ? await engine.For(lane.Partition).ReadTopicAsync(lane, name, before, SliceBytes, cancellationToken)
                : new TopicSlice(await engine.Store.ReadAsync(lane, before, SliceBytes, cancellationToken), before);
            using (read.Slice)
            {
                WriteEvents(json, read.Slice, only, ref progress);
                progress.PassedTo(read.Next);
                more = progress.Next > before && !progress.IsFull;
            }

            json.Flush();
            await output.WriteAsync(buffer.WrittenMemory, cancellationToken);
            buffer.ResetWrittenCount();
        }

        json.WriteEndArray();
        json.WriteNumber("next", progress.Next.Value);
        json.WriteEndObject();
        json.Flush();
        await output.WriteAsync(buffer.WrittenMemory, cancellationToken);
    }

    private static void WriteEvents(Utf8JsonWriter json, LaneSlice slice, byte[]? only, ref LaneProgress progress)
    {
        foreach (LaneEntry entry in slice.Entries)
        {
            if (entry.Kind != EntryKind.Events || entry.NextOffset <= progress.Next)
            {
                continue;
            }

            EventBatch batch = EventBatch.Parse(entry.Body);
            foreach (EventView view in batch.Events)
            {
                Offset offset = entry.BaseOffset + view.Index;
                if (offset < progress.Next || (only is not null && !view.Topic.Span.SequenceEqual(only)))
                {
                    continue;
                }

                if (progress.IsFull)
                {
                    return;
                }

                WriteEvent(json, entry, batch.Header, view, offset);
                progress.Passed(offset, view.Payload.Length);
            }
        }
    }

    private static void WriteEvent(Utf8JsonWriter json, LaneEntry entry, in BatchHeader head, in EventView view, Offset offset)
    {
        json.WriteStartObject();
        json.WriteNumber("offset", offset.Value);
        json.WriteNumber("entry", entry.Number.Value);
        json.WriteString("producer", head.Producer.ToString());
        json.WriteString("epoch", head.Epoch.ToString("x16", CultureInfo.InvariantCulture));
        json.WriteNumber("sequence", head.FirstSequence + view.Index);
        json.WriteNumber("timestamp", view.TimestampMicroseconds);
        json.WriteString("topic", view.Topic.Span);
        WriteContent(json, view.Key, view.Headers, view.Payload);
        json.WriteEndObject();
    }

    /// <summary>Writes what an event says: key, headers and payload.</summary>
    public static void WriteContent(Utf8JsonWriter json, ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> stored,
        ReadOnlyMemory<byte> payload)
    {
        if (!key.IsEmpty)
        {
            json.WriteBase64String("key", key.Span);
        }

        if (EventHeader.TryDecode(stored, out IReadOnlyList<EventHeader> headers) && headers.Count > 0)
        {
            json.WriteStartArray("headers");
            foreach (EventHeader header in headers)
            {
                json.WriteStartObject();
                json.WriteString("name", header.Name);
                json.WriteBase64String("value", header.Value.Span);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        json.WriteBase64String("payload", payload.Span);
    }

    /// <summary>How far an answer is.</summary>
    private struct LaneProgress(Offset from, int max)
    {
        private int _events;
        private long _payload;

        public Offset Next { get; private set; } = from;

        public readonly bool IsFull => _events >= max || _payload >= MaxPayloadBytes;

        /// <summary>There is nothing more before an offset, unless the answer was full first.</summary>
        public void PassedTo(Offset offset) => Next = !IsFull && offset > Next ? offset : Next;

        public void Passed(Offset offset, int payloadBytes)
        {
            Next = offset + 1;
            _events++;
            _payload += payloadBytes;
        }
    }
}
