using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using Streams.Core;

namespace Streams.Client;

/// <summary>The pages of an outbox's file as of the last commit, from database and journal, read without SQLite: a page that cannot be
/// read costs that page.</summary>
internal sealed class PageSource : IDisposable
{
    private static ReadOnlySpan<byte> Title => "SQLite format 3\0"u8;

    private readonly SafeFileHandle? _database;
    private readonly SafeFileHandle? _journal;
    private readonly long _databaseBytes;

    /// <summary>Opens database and journal for reading.</summary>
    /// <exception cref="StorageFailedException">They are there and cannot be opened.</exception>
    public PageSource(string path)
    {
        try
        {
            Journal = JournalScan.Of(path);
            PageBytes = Journal.PageBytes;
            if (File.Exists(path))
            {
                _database = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                _databaseBytes = RandomAccess.GetLength(_database);
            }

            if (Journal.Pages.Count + Journal.Broken.Count > 0)
            {
                _journal = File.OpenHandle(path + "-wal", FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Dispose();
            throw new StorageFailedException($"outbox {path} cannot be opened: {e.Message}", e);
        }

        PageCount = (uint)Math.Min(Math.Max((_databaseBytes + PageBytes - 1) / PageBytes, Journal.DatabasePages), uint.MaxValue - 1);
    }

    /// <summary>The journal.</summary>
    public JournalScan Journal { get; }

    /// <summary>Bytes of a page.</summary>
    public int PageBytes { get; }

    /// <summary>How many pages.</summary>
    public uint PageCount { get; }

    /// <summary>Whether there is anything: a database that was never written to has none.</summary>
    public bool IsEmpty => _databaseBytes == 0 && Journal.Pages.Count == 0;

    /// <summary>Pages read.</summary>
    public long Reads { get; private set; }

    /// <summary>Reads a page, numbered from 1; false when there is none to be read.</summary>
    public bool TryRead(uint page, Span<byte> into)
    {
        Reads++;
        return Journal.Pages.TryGetValue(page, out long position) ? TryRead(_journal, position, into)
            : TryRead(_database, (page - 1L) * PageBytes, into);
    }

    /// <summary>Reads what the journal has last of a page, where that does not match its checksum; false when it does.</summary>
    public bool TryReadBroken(uint page, Span<byte> into)
    {
        for (int i = Journal.Broken.Count - 1; i >= 0; i--)
        {
            if (Journal.Broken[i].Page == page)
            {
                return TryReadBroken(i, into);
            }
        }

        return false;
    }

    /// <summary>Reads the page of a frame that does not match its checksum.</summary>
    public bool TryReadBroken(int index, Span<byte> into) => TryRead(_journal, Journal.Broken[index].Position, into);

    /// <summary>What is wrong with the head of the file; <see langword="null"/> when nothing is. Some of it would make SQLite refuse the
    /// file as one of a newer kind, or take it for one that may only be read.</summary>
    public string? FaultInHead()
    {
        byte[] page = new byte[PageBytes];
        if (_databaseBytes == 0)
        {
            return "the database is gone, and its journal is there";
        }

        if (!TryRead(1, page))
        {
            return "its first page cannot be read";
        }

        int size = BinaryPrimitives.ReadUInt16BigEndian(page.AsSpan(16));
        return page.AsSpan(0, Title.Length).SequenceEqual(Title) && (size == 1 ? 65_536 : size) == PageBytes
            && page[18] is 1 or 2 && page[19] is 1 or 2 && page[20] == 0 && page[21] == 64 && page[22] == 32 && page[23] == 32
            && Word(page, 44) == 4 && Word(page, 52) == 0 && Word(page, 56) == 1 && Word(page, 64) == 0
            ? null : "its head is damaged";
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _database?.Dispose();
        _journal?.Dispose();
    }

    private static uint Word(byte[] page, int at) => BinaryPrimitives.ReadUInt32BigEndian(page.AsSpan(at));

    // A disk that cannot read one place may well read the next.
    private static bool TryRead(SafeFileHandle? file, long position, Span<byte> into)
    {
        int read = 0;
        try
        {
            while (file is not null && read < into.Length && RandomAccess.Read(file, into[read..], position + read) is > 0 and var more)
            {
                read += more;
            }
        }
        catch (IOException)
        {
            return false;
        }

        into[read..].Clear();
        return read > 0;
    }
}
