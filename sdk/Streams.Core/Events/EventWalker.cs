using System.Runtime.InteropServices;

namespace Streams.Core;

/// <summary>Walks the events of a batch and may stop anywhere, which <see cref="EventEnumerator"/> cannot: that one lives on the stack. The
/// batch was checked when it was parsed; nothing is checked again.</summary>
/// <remarks>A mutable value: keep it in a field or variable, a copy goes on by itself.</remarks>
[StructLayout(LayoutKind.Auto)]
public struct EventWalker(EventBatch batch)
{
    private ReadOnlyMemory<byte> _topic;
    private int _at;

    /// <summary>Index of the event that the next <see cref="TryNext"/> gives.</summary>
    public int Next { get; private set; }

    /// <summary>Gives the next event; false at the end.</summary>
    public bool TryNext(out EventView view)
    {
        if (batch is null || Next == batch.Header.Count)
        {
            view = default;
            return false;
        }

        ReadOnlyMemory<byte> body = batch.Body;
        ReadOnlySpan<byte> span = body.Span;
        int length = (int)Varint(span, ref _at);
        int end = _at + length;
        byte flags = span[_at++];
        ulong delta = Varint(span, ref _at);
        if ((flags & EventEnumerator.SameTopic) == 0)
        {
            _topic = Block(body, span, ref _at);
        }

        ReadOnlyMemory<byte> key = (flags & EventEnumerator.HasKey) != 0 ? Block(body, span, ref _at) : default;
        ReadOnlyMemory<byte> headers = (flags & EventEnumerator.HasHeaders) != 0 ? Block(body, span, ref _at) : default;
        view = new EventView
        {
            Index = Next++,
            TimestampMicroseconds = unchecked(batch.Header.BaseTimestamp + ((long)(delta >> 1) ^ -(long)(delta & 1))),
            Topic = _topic,
            Key = key,
            Headers = headers,
            Payload = body[_at..end],
            IsRetained = (flags & EventEnumerator.IsRetained) != 0,
        };
        _at = end;
        return true;
    }

    private static ReadOnlyMemory<byte> Block(ReadOnlyMemory<byte> body, ReadOnlySpan<byte> span, ref int at)
    {
        int length = (int)Varint(span, ref at);
        at += length;
        return body.Slice(at - length, length);
    }

    private static ulong Varint(ReadOnlySpan<byte> span, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte b = span[at++];
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
            {
                return value;
            }
        }
    }
}
