namespace Streams.Storage;

/// <summary>Rows of fixed size in large pieces, so that growing copies nothing. Rows are never removed.</summary>
internal sealed class RowPieces<TRow>
    where TRow : struct
{
    private const int RowsAtOnce = 512;

    private readonly List<TRow[]> _rows = [];

    public int Count { get; private set; }

    public ref TRow this[int index] => ref _rows[index / RowsAtOnce][index % RowsAtOnce];

    /// <summary>Adds a row of no content; gives its index.</summary>
    public int Add()
    {
        int index = Count++;
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

        return index;
    }
}
