using System.IO.Compression;

namespace Streams.Core;

/// <summary>Consecutive events of one producer for one partition: sent, stored and replicated byte for byte as the producer made
/// it.</summary>
/// <remarks>Immutable; keeps the bytes it was parsed from, so they must not change. Parsing checks everything once: what
/// <see cref="Events"/>
/// then gives is within bounds. A compressed body is unpacked once, into memory bounded by the head's declared and limited
/// length.</remarks>
public sealed class EventBatch
{
    private readonly ReadOnlyMemory<byte> _body;

    private EventBatch(BatchHeader header, ReadOnlyMemory<byte> bytes, ReadOnlyMemory<byte> body)
    {
        Header = header;
        Bytes = bytes;
        _body = body;
    }

    /// <summary>The head.</summary>
    public BatchHeader Header { get; }

    /// <summary>The batch as it is sent and stored.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>The events' bytes, unpacked.</summary>
    internal ReadOnlyMemory<byte> Body => _body;

    /// <summary>The events, in order.</summary>
    public EventEnumerable Events => new(this);

    /// <summary>Parses and checks a whole batch.</summary>
    /// <exception cref="InvalidFormatException">The bytes are no batch; the message says why.</exception>
    public static EventBatch Parse(ReadOnlyMemory<byte> bytes) =>
        TryParse(bytes, out EventBatch? batch, out string? fault) ? batch! : throw new InvalidFormatException(fault!);

    /// <summary>Parses and checks a whole batch without throwing; <paramref name="fault"/> says what is wrong.</summary>
    public static bool TryParse(ReadOnlyMemory<byte> bytes, out EventBatch? batch, out string? fault)
    {
        batch = null;
        if (!BatchHeader.TryRead(bytes.Span, out BatchHeader header, out fault))
        {
            return false;
        }

        if (!TryUnpack(header, bytes[BatchHeader.Size..], out ReadOnlyMemory<byte> body))
        {
            fault = $"batch: body does not unpack to the {header.BodyLength} bytes it declares";
            return false;
        }

        EventBatch candidate = new(header, bytes, body);
        int count = 0;
        EventEnumerator events = candidate.Events.GetEnumerator();
        while (events.MoveNext())
        {
            count++;
        }

        if (events.Failed || count != header.Count)
        {
            fault = $"batch: event {count} of {header.Count} is malformed";
            return false;
        }

        batch = candidate;
        return true;
    }

    private static bool TryUnpack(in BatchHeader header, ReadOnlyMemory<byte> packed, out ReadOnlyMemory<byte> body)
    {
        body = packed;
        if (header.Compression == BatchCompression.None)
        {
            return packed.Length == header.BodyLength;
        }

        byte[] unpacked = new byte[header.BodyLength];
        body = unpacked;
        if (header.Compression == BatchCompression.Brotli)
        {
            return BrotliDecoder.TryDecompress(packed.Span, unpacked, out int written) && written == unpacked.Length;
        }

        try
        {
            using DeflateStream inflate = new(new MemoryStream(packed.ToArray(), writable: false), CompressionMode.Decompress);
            return inflate.ReadAtLeast(unpacked, unpacked.Length, throwOnEndOfStream: false) == unpacked.Length && inflate.ReadByte() < 0;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    /// <summary>The events of a batch, for <c>foreach</c> without allocation.</summary>
    public readonly struct EventEnumerable(EventBatch batch)
    {
        /// <summary>Begins at the first event.</summary>
        public EventEnumerator GetEnumerator() => new(batch._body, batch.Header);
    }
}
