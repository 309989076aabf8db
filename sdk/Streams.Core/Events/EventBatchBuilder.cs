using System.Buffers;
using System.IO.Compression;

namespace Streams.Core;

/// <summary>Puts events together into a batch. Not safe for several threads; <see cref="Build"/> leaves it empty for the next
/// batch.</summary>
public sealed class EventBatchBuilder
{
    private readonly ArrayBufferWriter<byte> _body = new();
    private readonly ArrayBufferWriter<byte> _record = new();
    private byte[] _lastTopic = [];
    private int _lastTopicLength = -1;
    private long _baseTimestamp;

    /// <summary>Events added since the last <see cref="Build"/>.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes that the batch would take now, uncompressed.</summary>
    public int Bytes => BatchHeader.Size + _body.WrittenCount;

    /// <summary>Adds an event, or says no (and adds nothing) when the batch would grow over <paramref name="maxBatchBytes"/> or is
    /// full.</summary>
    /// <param name="topic">UTF-8 of a topic name.</param>
    /// <param name="key">The key, or empty.</param>
    /// <param name="headers">From <see cref="EventHeader.Encode"/>, or empty.</param>
    /// <param name="payload">At most <see cref="EventLimits.MaxPayloadBytes"/>.</param>
    /// <param name="timestampMicroseconds">Microseconds since 1970.</param>
    /// <param name="maxBatchBytes">The most that the batch may take, head included.</param>
    /// <param name="isRetained">See <see cref="EventView.IsRetained"/>.</param>
    /// <exception cref="InvalidRequestException">The event alone is over a limit.</exception>
    public bool TryAdd(ReadOnlySpan<byte> topic, ReadOnlySpan<byte> key, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload,
        long timestampMicroseconds, int maxBatchBytes = EventLimits.MaxBatchBytes, bool isRetained = false)
    {
        Check(topic, key, headers, payload);
        if (Count == 0)
        {
            _baseTimestamp = timestampMicroseconds;
        }

        bool sameTopic = Count > 0 && topic.SequenceEqual(_lastTopic.AsSpan(0, _lastTopicLength));
        _record.ResetWrittenCount();
        ByteWriter record = new(_record);
        record.Byte((byte)((key.IsEmpty ? 0 : EventEnumerator.HasKey) | (sameTopic ? EventEnumerator.SameTopic : 0)
            | (headers.IsEmpty ? 0 : EventEnumerator.HasHeaders) | (isRetained ? EventEnumerator.IsRetained : 0)));
        record.SignedVarint(unchecked(timestampMicroseconds - _baseTimestamp));
        if (!sameTopic)
        {
            record.Block(topic);
        }

        if (!key.IsEmpty)
        {
            record.Block(key);
        }

        if (!headers.IsEmpty)
        {
            record.Block(headers);
        }

        const int LengthPrefix = 5;
        int recordLength = _record.WrittenCount + payload.Length;
        if (Count == EventLimits.MaxEvents || Bytes + recordLength + LengthPrefix > Math.Min(maxBatchBytes, EventLimits.MaxBatchBytes))
        {
            return Count > 0 ? false : throw new InvalidRequestException(
                $"event takes {recordLength} bytes, a batch here may take at most {maxBatchBytes}");
        }

        ByteWriter body = new(_body);
        body.Varint((ulong)recordLength);
        body.Bytes(_record.WrittenSpan);
        body.Bytes(payload);
        RememberTopic(topic);
        Count++;
        return true;
    }

    /// <summary>Makes the batch and leaves the builder empty.</summary>
    /// <param name="first">Identity of the first event added.</param>
    /// <param name="predecessor">Epoch and sequence sent before in this session (rule R2), or zeros.</param>
    /// <param name="mayHaveTwins">Rule R18.</param>
    /// <param name="compression">Tried on the body, and left out where it gains nothing, or more than
    /// <see cref="EventLimits.MaxExpansion"/> allows.</param>
    public EventBatch Build(EventIdentity first, (ulong Epoch, long Sequence) predecessor, bool mayHaveTwins,
        BatchCompression compression = BatchCompression.None)
    {
        ArrayBufferWriter<byte> output = new(Bytes);
        Write(first, predecessor, mayHaveTwins, output, compression);
        Clear();
        return EventBatch.Parse(output.WrittenMemory);
    }

    /// <summary>Writes the batch as <see cref="Build"/> makes it; the builder keeps its events, and may write them again under another
    /// head. Gives the head.</summary>
    public BatchHeader Write(EventIdentity first, (ulong Epoch, long Sequence) predecessor, bool mayHaveTwins, IBufferWriter<byte> output,
        BatchCompression compression = BatchCompression.None)
    {
        if (Count == 0)
        {
            throw new InvalidOperationException("a batch has at least one event");
        }

        ReadOnlyMemory<byte> packed = Pack(ref compression);
        int length = BatchHeader.Size + packed.Length;
        Span<byte> bytes = output.GetSpan(length)[..length];
        packed.Span.CopyTo(bytes[BatchHeader.Size..]);
        BatchHeader header = new()
        {
            TotalLength = length,
            Count = Count,
            Producer = first.Producer,
            Epoch = first.Epoch,
            FirstSequence = first.Sequence,
            PredecessorEpoch = predecessor.Epoch,
            PredecessorSequence = predecessor.Sequence,
            BaseTimestamp = _baseTimestamp,
            BodyLength = _body.WrittenCount,
            Compression = compression,
            MayHaveTwins = mayHaveTwins,
        };
        header.Write(bytes);
        output.Advance(length);
        return header;
    }

    /// <summary>Forgets what was added.</summary>
    public void Clear()
    {
        _body.ResetWrittenCount();
        _lastTopicLength = -1;
        Count = 0;
    }

    private static void Check(ReadOnlySpan<byte> topic, ReadOnlySpan<byte> key, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        string? fault = !TopicName.IsValid(topic) ? "topic is not valid: UTF-8 without control characters, '+' and '#', at most 4096 bytes"
            : key.Length > EventLimits.MaxKeyBytes ? $"key takes {key.Length} bytes, at most {EventLimits.MaxKeyBytes} are allowed"
            : headers.Length > EventLimits.MaxHeaderBytes
                ? $"headers take {headers.Length} bytes, at most {EventLimits.MaxHeaderBytes} are allowed"
            : payload.Length > EventLimits.MaxPayloadBytes
                ? $"payload takes {payload.Length} bytes, at most {EventLimits.MaxPayloadBytes} are allowed"
            : null;
        if (fault is not null)
        {
            throw new InvalidRequestException(fault);
        }
    }

    private void RememberTopic(ReadOnlySpan<byte> topic)
    {
        if (_lastTopic.Length < topic.Length)
        {
            _lastTopic = new byte[topic.Length];
        }

        topic.CopyTo(_lastTopic);
        _lastTopicLength = topic.Length;
    }

    private ReadOnlyMemory<byte> Pack(ref BatchCompression compression)
    {
        if (compression == BatchCompression.Deflate)
        {
            using MemoryStream packed = new();
            using (DeflateStream deflate = new(packed, CompressionLevel.Fastest, leaveOpen: true))
            {
                deflate.Write(_body.WrittenSpan);
            }

            if (packed.Length < _body.WrittenCount && BatchHeader.MayExpand((int)packed.Length, _body.WrittenCount))
            {
                return packed.ToArray();
            }
        }
        else if (compression == BatchCompression.Brotli)
        {
            byte[] packed = new byte[_body.WrittenCount];
            if (BrotliEncoder.TryCompress(_body.WrittenSpan, packed, out int written, quality: 4, window: 18)
                && written < packed.Length && BatchHeader.MayExpand(written, packed.Length))
            {
                return packed.AsMemory(0, written);
            }
        }

        compression = BatchCompression.None;
        return _body.WrittenMemory;
    }
}
