namespace Streams.Storage;

/// <summary>Fills the pages of an index file with rows, and writes many pages at once.</summary>
internal sealed class PageWriter(ILogFile file)
{
    private const int PagesAtOnce = 64;

    private readonly byte[] _pages = new byte[PagesAtOnce * IndexPage.Size];
    private int _page;                                // in memory
    private int _used;                                // of the page
    private int _written;                             // pages in the file

    /// <summary>Room for the next row of the section, zeroed.</summary>
    public Span<byte> Row(int bytes)
    {
        if (_used + bytes > IndexPage.DataBytes)
        {
            EndSection();
        }

        Span<byte> row = _pages.AsSpan((_page * IndexPage.Size) + _used, bytes);
        _used += bytes;
        return row;
    }

    /// <summary>The next row stands in a new page.</summary>
    public void EndSection()
    {
        if (_used == 0)
        {
            return;
        }

        IndexPage.Seal(_pages.AsSpan(_page * IndexPage.Size, IndexPage.Size), _written + _page);
        _used = 0;
        if (++_page == PagesAtOnce)
        {
            Finish();
        }
    }

    /// <summary>Writes what is left.</summary>
    public void Finish()
    {
        file.Write((long)_written * IndexPage.Size, _pages.AsSpan(0, _page * IndexPage.Size));
        _written += _page;
        _page = 0;
        Array.Clear(_pages);
    }
}
