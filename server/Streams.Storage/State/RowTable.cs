namespace Streams.Storage;

/// <summary>Rows of fixed size in large pieces, found by a hash of their key in an open table: what a million of something fits into. Rows
/// are never removed.</summary>
internal sealed class RowTable<TRow>
    where TRow : struct
{
    private const int RowsAtOnce = 512;

    private readonly List<TRow[]> _rows = [];
    private ulong[] _hashes = [];
    private int[] _slots = new int[2];                // row + 1; 0 for an empty slot

    public int Count { get; private set; }

    public ref TRow this[int index] => ref _rows[index / RowsAtOnce][index % RowsAtOnce];

    /// <summary>Goes over the rows that have a hash: begin with <paramref name="probe"/> -1; -1 when there is no further one.</summary>
    public int Next(ulong hash, ref int probe)
    {
        int mask = _slots.Length - 1;
        int slot = probe < 0 ? Home(hash, mask) : (probe + 1) & mask;
        for (; _slots[slot] != 0; slot = (slot + 1) & mask)
        {
            if (_hashes[_slots[slot] - 1] == hash)
            {
                probe = slot;
                return _slots[slot] - 1;
            }
        }

        return -1;
    }

    /// <summary>Adds a row of no content.</summary>
    public int Add(ulong hash)
    {
        if ((Count + 1) * 4 > _slots.Length * 3)
        {
            Grow();
        }

        int index = Count++;
        if (index == _hashes.Length)
        {
            Array.Resize(ref _hashes, Math.Max(1, index * 2));
        }

        if (index / RowsAtOnce == _rows.Count)
        {
            _rows.Add(new TRow[index == 0 ? 1 : RowsAtOnce]);
        }
        else if (index % RowsAtOnce == _rows[^1].Length)
        {
            TRow[] rows = _rows[^1];                  // most tables have few rows
            Array.Resize(ref rows, Math.Min(rows.Length * 4, RowsAtOnce));
            _rows[^1] = rows;
        }

        _hashes[index] = hash;
        Enter(index);
        return index;
    }

    private static int Home(ulong hash, int mask) => (int)(hash >> 20) & mask;

    private void Grow()
    {
        _slots = new int[_slots.Length * 2];
        for (int i = 0; i < Count; i++)
        {
            Enter(i);
        }
    }

    private void Enter(int index)
    {
        int mask = _slots.Length - 1;
        int slot = Home(_hashes[index], mask);
        while (_slots[slot] != 0)
        {
            slot = (slot + 1) & mask;
        }

        _slots[slot] = index + 1;
    }
}
