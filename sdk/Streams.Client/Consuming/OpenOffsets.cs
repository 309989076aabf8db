using Streams.Core;

namespace Streams.Client;

/// <summary>Offsets of one lane that hold its cursor back: held, or handed out and not acknowledged. Added nearly always at the end, taken
/// out in any order.</summary>
/// <remarks>Pure. What is open without a hole takes the room of one, whatever its length.</remarks>
internal sealed class OpenOffsets
{
    private readonly SequenceRanges _open = new();

    /// <summary>The lowest open offset, or <see cref="long.MaxValue"/>.</summary>
    public long Lowest => _open.Count > 0 ? _open.Ranges[0].First : long.MaxValue;

    /// <summary>Whether an offset is open.</summary>
    public bool Contains(long offset) => _open.Contains(offset);

    /// <summary>Opens offsets; those that are open already stay so.</summary>
    public void Add(long first, long last) => _open.Add(first, last);

    /// <summary>Closes offsets; those that are not open are left alone.</summary>
    public void Close(long first, long last) => _open.Remove(first, last);

    /// <summary>Closes all.</summary>
    public void Clear()
    {
        if (_open.Count > 0)
        {
            _open.Remove(long.MinValue, long.MaxValue);
        }
    }
}
