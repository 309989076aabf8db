using System.Buffers;
using Streams.Core;

namespace Streams.Client;

/// <summary>A payload in the making, in memory of the pool. It never grows beyond what an event may hold. Used by one thread at a
/// time.</summary>
internal sealed class PayloadBuffer : IBufferWriter<byte>, IDisposable
{
    private const int FirstBytes = 1024;
    private byte[] _bytes = [];
    private int _written;

    /// <summary>What was written; valid until the next use.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _written);

    /// <summary>Bytes that it holds of the pool.</summary>
    public int Capacity => _bytes.Length;

    /// <summary>Begins anew, keeping the memory.</summary>
    public void Clear() => _written = 0;

    /// <inheritdoc/>
    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _bytes.Length - _written);
        _written += count;
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidRequestException">The payload is greater than an event's may be.</exception>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Room(sizeHint);
        return _bytes.AsMemory(_written);
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidRequestException">The payload is greater than an event's may be.</exception>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Room(sizeHint);
        return _bytes.AsSpan(_written);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = [];
            _written = 0;
        }
    }

    private void Room(int sizeHint)
    {
        int wanted = Math.Max(sizeHint, 1);
        if (wanted <= _bytes.Length - _written)
        {
            return;
        }

        // Writers ask for more than they use: what counts is what is written, so there is room for one hint more.
        if (_written > EventLimits.MaxPayloadBytes || wanted > 2 * EventLimits.MaxPayloadBytes)
        {
            throw new InvalidRequestException($"the value takes more than {EventLimits.MaxPayloadBytes} bytes as a payload;"
                + " what is greater belongs in a file that the event names");
        }

        byte[] greater = ArrayPool<byte>.Shared.Rent(Math.Max(_written + wanted, Math.Max(FirstBytes, 2 * _bytes.Length)));
        _bytes.AsSpan(0, _written).CopyTo(greater);
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
        }

        _bytes = greater;
    }
}
