using System.Buffers.Binary;
using System.Collections;

namespace Streams.Client;

/// <summary>Takes a row that was found.</summary>
/// <param name="rowId">Its number; 0 in tables that have none.</param>
/// <param name="record">Its columns.</param>
/// <returns>Whether it is sound.</returns>
internal delegate bool TakeRow(long rowId, in KeptRecord record);

/// <summary>Goes through the trees of pages that SQLite keeps tables in, around what is damaged. Memory: some pages, and two bits for each
/// page of the file.</summary>
internal sealed class PageWalk
{
    /// <summary>Most bytes of a row: an event takes 1.1 MiB at most.</summary>
    private const int MostBytes = 4 << 20;

    private const int TableLeaf = 13;
    private const int TableInner = 5;
    private const int IndexLeaf = 10;
    private const int IndexInner = 2;

    private readonly PageSource _source;
    private readonly BitArray _reached;
    private readonly BitArray _walked;
    private readonly Stack<uint> _stack = new();
    private readonly byte[] _page;
    private readonly byte[] _overflow;
    private byte[] _row = new byte[1 << 16];

    /// <summary>Over the pages of a file.</summary>
    public PageWalk(PageSource source)
    {
        _source = source;
        _page = new byte[source.PageBytes];
        _overflow = new byte[source.PageBytes];
        _reached = new BitArray(checked((int)source.PageCount + 1));
        _walked = new BitArray(_reached.Length);
        if (!MarkFree())
        {
            _reached.SetAll(false);
            return;
        }

        IsFreeKnown = !source.Journal.HasLostFrames && !source.TryReadBroken(1u, _page);
    }

    /// <summary>Whether it is known which pages are free.</summary>
    public bool IsFreeKnown { get; }

    /// <summary>Rows that are not what was stored.</summary>
    public long UnsoundRows { get; private set; }

    /// <summary>Goes through a tree.</summary>
    /// <param name="root">Its first page.</param>
    /// <param name="hasRowIds">Whether it is a table whose rows have numbers; else an index, or a table kept like one.</param>
    /// <param name="hasChecks">Whether its rows have checksums: then the journal's last state of a page counts also where its frame does
    /// not match the checksum of its own, as long as the page makes sense.</param>
    /// <param name="row">Takes the rows.</param>
    /// <returns>Whether all of its pages could be read.</returns>
    public bool Walk(uint root, bool hasRowIds, bool hasChecks, TakeRow row)
    {
        bool whole = true;
        _walked.SetAll(false);
        _stack.Clear();
        _stack.Push(root);
        while (_stack.TryPop(out uint page))
        {
            if (page == 0 || page > _source.PageCount || _walked[(int)page] || !_source.TryRead(page, _page))
            {
                whole = false;
                continue;
            }

            _walked[(int)page] = true;
            _reached[(int)page] = true;
            if (hasChecks && _source.TryReadBroken(page, _page) && !IsLeaf())
            {
                _source.TryRead(page, _page);
            }

            whole &= Read(page == 1 ? 100 : 0, hasRowIds, row);
        }

        return whole;
    }

    /// <summary>Goes through the pages that no tree has led to, and that are not known to be free.</summary>
    /// <param name="table">Takes rows of tables whose rows have numbers.</param>
    /// <param name="index">Takes rows of indexes and tables kept like them.</param>
    public void Loose(TakeRow table, TakeRow index)
    {
        for (uint page = 1; page <= _source.PageCount; page++)
        {
            if (!_reached[(int)page] && _source.TryRead(page, _page))
            {
                ReadLoose(page == 1 ? 100 : 0, table, index);
            }
        }
    }

    /// <summary>Goes through the frames of the journal that do not match their checksums: rows that match theirs are sound.</summary>
    public void Broken(TakeRow table)
    {
        for (int i = 0; i < _source.Journal.Broken.Count; i++)
        {
            if (_source.TryReadBroken(i, _page))
            {
                ReadLoose(_source.Journal.Broken[i].Page == 1 ? 100 : 0, table, static (_, in _) => true);
            }
        }
    }

    // Whether the page makes sense as the last one of a table.
    private bool IsLeaf()
    {
        long unsound = UnsoundRows;
        bool whole = _page[0] == TableLeaf && Read(0, hasRowIds: true, static (_, in _) => true) && UnsoundRows == unsound;
        UnsoundRows = unsound;
        return whole;
    }

    private void ReadLoose(int from, TakeRow table, TakeRow index)
    {
        long unsound = UnsoundRows;
        if (_page[from] == TableLeaf)
        {
            Read(from, true, table);
        }
        else if (_page[from] is IndexLeaf or IndexInner)
        {
            Read(from, false, index);
        }

        _stack.Clear();
        UnsoundRows = unsound;                                 // whose rows they were is not known
    }

    private bool Read(int from, bool hasRowIds, TakeRow row)
    {
        int type = _page[from];
        bool isLeaf = type is TableLeaf or IndexLeaf;
        int cells = BinaryPrimitives.ReadUInt16BigEndian(_page.AsSpan(from + 3));
        int array = from + (isLeaf ? 8 : 12);
        if (type is not (TableLeaf or TableInner or IndexLeaf or IndexInner) || (type is TableLeaf or TableInner) != hasRowIds
            || array + (2 * cells) > _page.Length)
        {
            return false;
        }

        bool whole = true;
        if (!isLeaf)
        {
            _stack.Push(BinaryPrimitives.ReadUInt32BigEndian(_page.AsSpan(from + 8)));
        }

        // What is pushed last is gone through first: so rows come in their order.
        for (int i = 0; i < cells; i++)
        {
            int at = BinaryPrimitives.ReadUInt16BigEndian(_page.AsSpan(array + (2 * (isLeaf ? i : cells - 1 - i))));
            whole &= at >= array + (2 * cells) && at <= _page.Length - 4 && ReadCell(at, isLeaf, hasRowIds, row);
        }

        return whole;
    }

    private bool ReadCell(int at, bool isLeaf, bool hasRowIds, TakeRow row)
    {
        if (!isLeaf)
        {
            _stack.Push(BinaryPrimitives.ReadUInt32BigEndian(_page.AsSpan(at)));
            at += 4;
            if (hasRowIds)
            {
                return true;
            }
        }

        long rowId = 0;
        if (!KeptRecord.TryVarint(_page, ref at, out long bytes) || bytes is < 0 or > MostBytes
            || (hasRowIds && !KeptRecord.TryVarint(_page, ref at, out rowId)))
        {
            return false;
        }

        int here = Local((int)bytes, hasRowIds);
        if (here == bytes && at + here <= _page.Length)
        {
            Give(rowId, _page.AsSpan(at, here), row);
            return true;
        }

        if (at + here + 4 > _page.Length || !TryGather(at, here, (int)bytes))
        {
            UnsoundRows++;
            return false;
        }

        Give(rowId, _row.AsSpan(0, (int)bytes), row);
        return true;
    }

    private void Give(long rowId, ReadOnlySpan<byte> bytes, TakeRow row)
    {
        KeptRecord record = KeptRecord.Of(bytes, stackalloc (long, int)[KeptRecord.MostColumns]);
        UnsoundRows += record.Count > 0 && row(rowId, in record) ? 0 : 1;
    }

    // The rest of a great row stands in a chain of pages.
    private bool TryGather(int at, int here, int bytes)
    {
        if (_row.Length < bytes)
        {
            _row = new byte[Math.Max(bytes, _row.Length * 2)];
        }

        _page.AsSpan(at, here).CopyTo(_row);
        uint next = BinaryPrimitives.ReadUInt32BigEndian(_page.AsSpan(at + here));
        while (here < bytes)
        {
            if (next == 0 || next > _source.PageCount || !_source.TryRead(next, _overflow))
            {
                return false;
            }

            _reached[(int)next] = true;
            int more = Math.Min(bytes - here, _overflow.Length - 4);
            _overflow.AsSpan(4, more).CopyTo(_row.AsSpan(here));
            here += more;
            next = BinaryPrimitives.ReadUInt32BigEndian(_overflow);
        }

        return true;
    }

    private int Local(int bytes, bool hasRowIds)
    {
        int usable = _page.Length;
        int most = hasRowIds ? usable - 35 : ((usable - 12) * 64 / 255) - 23;
        if (bytes <= most)
        {
            return bytes;
        }

        int least = ((usable - 12) * 32 / 255) - 23;
        int some = least + ((bytes - least) % (usable - 4));
        return some <= most ? some : least;
    }

    // Free pages keep their old rows: events that clusters hold, most of them. They are not to be taken for lost ones.
    private bool MarkFree()
    {
        if (!_source.TryRead(1, _page))
        {
            return false;
        }

        uint trunk = BinaryPrimitives.ReadUInt32BigEndian(_page.AsSpan(32));
        uint left = BinaryPrimitives.ReadUInt32BigEndian(_page.AsSpan(36));
        if (_source.FaultInHead() is not null)
        {
            return false;                                      // SQLite's, or not: it is not to be believed
        }

        while (trunk != 0)
        {
            if (left == 0 || trunk > _source.PageCount || _reached[(int)trunk] || !_source.TryRead(trunk, _page))
            {
                return false;
            }

            _reached[(int)trunk] = true;
            left--;
            uint leaves = BinaryPrimitives.ReadUInt32BigEndian(_page.AsSpan(4));
            if (leaves > (_page.Length / 4) - 2 || leaves > left)
            {
                return false;
            }

            left -= leaves;
            for (int i = 0; i < leaves; i++)
            {
                uint leaf = BinaryPrimitives.ReadUInt32BigEndian(_page.AsSpan(8 + (4 * i)));
                if (leaf == 0 || leaf > _source.PageCount || _reached[(int)leaf])
                {
                    return false;
                }

                _reached[(int)leaf] = true;
            }

            trunk = BinaryPrimitives.ReadUInt32BigEndian(_page);
        }

        return left == 0;
    }
}
