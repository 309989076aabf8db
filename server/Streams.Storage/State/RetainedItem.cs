using System.Buffers;
using Streams.Core;

namespace Streams.Storage;

/// <summary>A retained message as a <see cref="StateItem"/> that carries the event itself: what stands in for an entry that is not kept, in
/// the log and over links. Made and read here only.</summary>
/// <param name="Topic">The topic and since when it exists: whoever gets the message needs no other record to know the topic.</param>
/// <param name="Mark">Which event; its position says nothing here.</param>
/// <param name="Key">The event's key, or empty.</param>
/// <param name="Headers">The event's headers in stored form, or empty.</param>
/// <param name="Payload">The event's payload; empty when the event removed the message.</param>
internal sealed record RetainedItem(TopicFact Topic, RetainedMark Mark, ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Headers,
    ReadOnlyMemory<byte> Payload)
{
    private const byte HasMessage = 1;

    public StateItem ToItem()
    {
        ArrayBufferWriter<byte> output = new();
        ByteWriter writer = new(output);
        writer.Byte(Mark.HasMessage ? HasMessage : (byte)0);
        writer.Origin(Mark.Lane.Origin);
        writer.Offset(new Offset(Mark.Offset));
        writer.UInt64((ulong)Mark.Timestamp);
        writer.Text(Topic.Topic.Value);
        writer.Hybrid(Topic.CreatedAt);
        if (Mark.HasMessage)
        {
            writer.Block(Key.Span);
            writer.Block(Headers.Span);
            writer.Bytes(Payload.Span);
        }

        return new StateItem(StateKind.Retained, Mark.Lane.Partition, output.WrittenMemory);
    }

    /// <summary>Reads an item; false when it is malformed.</summary>
    /// <param name="item">The item.</param>
    /// <param name="position">Where its record stands in the log, as far as that matters.</param>
    /// <param name="read">What it says: slices of its bytes.</param>
    public static bool TryRead(in StateItem item, long position, out RetainedItem read)
    {
        ByteReader reader = new(item.Body);
        byte flags = reader.Byte();
        LaneId lane = new(item.Partition, reader.Origin());
        RetainedMark mark = new(lane, reader.Offset().Value, (long)reader.UInt64(), flags == HasMessage, position);
        TopicFact topic = new(reader.Topic(), reader.Hybrid());
        ReadOnlyMemory<byte> key = mark.HasMessage ? reader.Block(EventLimits.MaxKeyBytes) : default;
        ReadOnlyMemory<byte> headers = mark.HasMessage ? reader.Block(EventLimits.MaxHeaderBytes) : default;
        ReadOnlyMemory<byte> payload = mark.HasMessage ? reader.Rest() : default;
        read = new RetainedItem(topic, mark, key, headers, payload);
        return reader.AtEnd && flags <= HasMessage && payload.IsEmpty != mark.HasMessage && payload.Length <= EventLimits.MaxPayloadBytes
            && EventHeader.IsValid(headers);
    }
}
