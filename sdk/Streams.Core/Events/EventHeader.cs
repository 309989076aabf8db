using System.Buffers;

namespace Streams.Core;

/// <summary>A name and a value that travel with an event. Names may repeat; order is kept.</summary>
/// <param name="Name">UTF-8 text without control characters, 1 to 256 bytes.</param>
/// <param name="Value">Any bytes.</param>
public readonly record struct EventHeader(string Name, ReadOnlyMemory<byte> Value)
{
    /// <summary>Longest name in bytes.</summary>
    public const int MaxNameBytes = 256;

    /// <summary>Writes headers in the form that batches store.</summary>
    /// <exception cref="InvalidRequestException">Too many, too long, or a bad name.</exception>
    public static byte[] Encode(IReadOnlyList<EventHeader> headers)
    {
        if (headers.Count == 0)
        {
            return [];
        }

        if (headers.Count > EventLimits.MaxHeaders)
        {
            throw new InvalidRequestException($"event has {headers.Count} headers, at most {EventLimits.MaxHeaders} are allowed");
        }

        ArrayBufferWriter<byte> buffer = new();
        ByteWriter writer = new(buffer);
        writer.Varint((ulong)headers.Count);
        foreach (EventHeader header in headers)
        {
            if (NameRules.Fault("header name", header.Name, MaxNameBytes) is { } fault)
            {
                throw new InvalidRequestException(fault);
            }

            writer.Text(header.Name);
            writer.Block(header.Value.Span);
        }

        return buffer.WrittenCount <= EventLimits.MaxHeaderBytes
            ? buffer.WrittenSpan.ToArray()
            : throw new InvalidRequestException(
                $"headers take {buffer.WrittenCount} bytes, at most {EventLimits.MaxHeaderBytes} are allowed");
    }

    /// <summary>Reads the stored form; empty bytes are no headers.</summary>
    public static bool TryDecode(ReadOnlyMemory<byte> bytes, out IReadOnlyList<EventHeader> headers)
    {
        headers = [];
        if (bytes.IsEmpty)
        {
            return true;
        }

        ByteReader reader = new(bytes);
        int count = (int)reader.Varint(EventLimits.MaxHeaders);
        if (reader.Failed)
        {
            return false;
        }

        EventHeader[] list = new EventHeader[count];
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            list[i] = new EventHeader(reader.Text(MaxNameBytes), reader.Block(EventLimits.MaxHeaderBytes));
            if (NameRules.Fault("header name", list[i].Name, MaxNameBytes) is not null)
            {
                reader.Fail();
            }
        }

        headers = list;
        return reader.AtEnd;
    }
}
