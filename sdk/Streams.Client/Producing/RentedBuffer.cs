using System.Buffers;

namespace Streams.Client;

/// <summary>A message that is being written, in pooled memory. Disposing gives the memory back: nobody may read it any more.</summary>
internal sealed class RentedBuffer : IBufferWriter<byte>, IDisposable
{
    private byte[] _bytes = [];
    private int _written;

    /// <summary>What was written.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _written);

    /// <summary>The same, to be corrected.</summary>
    public Span<byte> WrittenSpan => _bytes.AsSpan(0, _written);

    /// <summary>Begins anew in the same memory.</summary>
    public void Clear() => _written = 0;

    /// <inheritdoc/>
    public void Advance(int count) => _written += count;

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsMemory(_written);
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

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

    private void Reserve(int more)
    {
        const int Least = 512;
        if (_bytes.Length - _written >= Math.Max(more, 1))
        {
            return;
        }

        byte[] greater = ArrayPool<byte>.Shared.Rent(_written + Math.Max(more, Least));
        _bytes.AsSpan(0, _written).CopyTo(greater);
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
        }

        _bytes = greater;
    }
}
