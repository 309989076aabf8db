using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Streams.Storage;

/// <summary>Rows of fixed size in large pieces, found by a hash of their key in an open table: what a million of something fits into. Rows
/// are never removed.</summary>
/// <remarks>Among a million rows each step of a look waits for memory, so looks for many at once can ask for it ahead.</remarks>
internal sealed class RowTable<TRow>
    where TRow : struct
{
    private readonly RowPieces<TRow> _rows = new();
    private ulong[] _slots = new ulong[2];            // upper half of the hash, then row + 1; 0 for an empty slot

    public int Count => _rows.Count;

    public ref TRow this[int index] => ref _rows[index];

    /// <summary>Goes over the rows whose hash may be this: begin with <paramref name="probe"/> -1; -1 when there is no further
    /// one.</summary>
    public int Next(ulong hash, ref int probe)
    {
        int mask = _slots.Length - 1;
        int slot = probe < 0 ? Home(hash, mask) : (probe + 1) & mask;
        for (; _slots[slot] != 0; slot = (slot + 1) & mask)
        {
            if ((_slots[slot] ^ hash) >> 32 == 0)
            {
                probe = slot;
                return (int)(uint)_slots[slot] - 1;
            }
        }

        return -1;
    }

    /// <summary>A look for this hash follows soon.</summary>
    public void Prefetch(ulong hash) => Memory.Prefetch(ref _slots[Home(hash, _slots.Length - 1)]);

    /// <summary>A row will be looked at soon.</summary>
    public void PrefetchRow(int index) => Memory.Prefetch(ref this[index]);

    /// <summary>Adds a row of no content.</summary>
    /// <param name="hash">Of its key.</param>
    /// <param name="hashOf">That of a row, for making the table larger.</param>
    public int Add(ulong hash, Func<int, ulong> hashOf)
    {
        if ((Count + 1) * 4 > _slots.Length * 3)
        {
            _slots = new ulong[_slots.Length * 2];
            for (int i = 0; i < Count; i++)
            {
                Enter(hashOf(i), i);
            }
        }

        int index = _rows.Add();
        Enter(hash, index);
        return index;
    }

    private static int Home(ulong hash, int mask) => (int)hash & mask;

    private void Enter(ulong hash, int index)
    {
        int mask = _slots.Length - 1;
        int slot = Home(hash, mask);
        while (_slots[slot] != 0)
        {
            slot = (slot + 1) & mask;
        }

        _slots[slot] = (hash & 0xFFFF_FFFF_0000_0000) | (uint)(index + 1);
    }
}

/// <summary>Hints to the processor.</summary>
internal static class Memory
{
    /// <summary>What stands here is read soon: it need not be waited for then.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Prefetch<T>(ref T at)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(Unsafe.AsPointer(ref at));  // only an address: should the memory move, a hint is lost
        }
    }
}
