using System.Buffers.Binary;

namespace Streams.Client;

/// <summary>The outbox's journal (SQLite's write-ahead log) looked at frame by frame, without SQLite: SQLite takes what stands behind a
/// damaged frame for the torn end of a write that nobody was told of, and forgets it, committed or not.</summary>
/// <remarks>Nothing is written. Each frame is checked against the checksum kept in the frame before it, so those behind a damaged one are
/// found. How far transactions were committed is told by commit frames, and by the journal's index, which outlives a kill though not always
/// a cut of the power: what it says was on stable storage before it was said.</remarks>
internal sealed class JournalScan
{
    private const int HeadBytes = 32;
    private const int FrameHeadBytes = 24;
    private const uint Magic = 0x377F_0682;                    // and one more where checksums are of big-endian words
    private const uint Version = 3_007_000;
    private const int IndexHeadBytes = 48;

    private readonly Dictionary<uint, long> _pages = [];
    private readonly List<(uint Page, long Position)> _broken = [];
    private readonly List<Frame> _frames = [];

    private JournalScan(int pageBytes) => PageBytes = pageBytes;

    private readonly record struct Frame(uint Page, uint Commit, bool IsValid, bool IsOurs, long Position);

    /// <summary>Bytes of a page.</summary>
    public int PageBytes { get; private set; }

    /// <summary>Pages whose latest committed state is in the journal, and where there.</summary>
    public IReadOnlyDictionary<uint, long> Pages => _pages;

    /// <summary>Frames that do not match their checksums and have no later one of the same page.</summary>
    public IReadOnlyList<(uint Page, long Position)> Broken => _broken;

    /// <summary>Whether frames are gone of which it is not known what page they held: any page may then be an older one.</summary>
    public bool HasLostFrames { get; private set; }

    /// <summary>Pages of the database as of the last commit in the journal; 0 when there is none.</summary>
    public uint DatabasePages { get; private set; }

    /// <summary>What is wrong with it, so that SQLite would pass over what was committed; <see langword="null"/> when nothing is.</summary>
    public string? Fault { get; private set; }

    /// <summary>Committed frames that are gone without a trace, as far as the journal's index tells.</summary>
    public long Gone { get; private set; }

    /// <summary>Looks at the journal of a database.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public static JournalScan Of(string path)
    {
        JournalScan scan = new((int)FileLimits.PageBytes);
        byte[] head = new byte[HeadBytes];
        bool headIsValid = false;
        if (File.Exists(path + "-wal"))
        {
            using FileStream file = new(path + "-wal", FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1 << 16);
            if (file.ReadAtLeast(head, HeadBytes, throwOnEndOfStream: false) == HeadBytes)
            {
                headIsValid = scan.ReadFrames(file, head);
            }
        }

        scan.Decide(headIsValid, IndexOf(path + "-shm", head.AsSpan(16, 8)));
        return scan;
    }

    private bool ReadFrames(FileStream file, byte[] head)
    {
        uint magic = BinaryPrimitives.ReadUInt32BigEndian(head);
        bool bigWords = magic == (Magic | 1);
        uint size = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(8));
        PageBytes = size is >= 512 and <= 65_536 && uint.IsPow2(size) ? (int)size : PageBytes;
        (uint, uint) seed = Stored(head.AsSpan(24));
        bool valid = (magic & ~1u) == Magic && BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(4)) == Version && size == PageBytes
            && Sum(default, head.AsSpan(0, 24), bigWords) == seed;
        byte[] frame = new byte[FrameHeadBytes + PageBytes];
        ulong salt = BinaryPrimitives.ReadUInt64BigEndian(head.AsSpan(16));
        while (file.ReadAtLeast(frame, frame.Length, throwOnEndOfStream: false) == frame.Length)
        {
            if (!valid && _frames.Count == 0)
            {
                salt = BinaryPrimitives.ReadUInt64BigEndian(frame.AsSpan(8));
            }

            (uint, uint) stored = Stored(frame.AsSpan(16));
            uint page = BinaryPrimitives.ReadUInt32BigEndian(frame);
            bool ours = salt != 0 && BinaryPrimitives.ReadUInt64BigEndian(frame.AsSpan(8)) == salt && page != 0;
            bool matches = ours && Sum(Sum(seed, frame.AsSpan(0, 8), bigWords), frame.AsSpan(FrameHeadBytes), bigWords) == stored;
            _frames.Add(new Frame(page, BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(4)), matches, ours,
                file.Position - PageBytes));
            seed = stored;
        }

        return valid;
    }

    // What SQLite would take: frames up to the last commit before the first that is not valid. What was committed may be more.
    private void Decide(bool headIsValid, (long Committed, bool IsOurs, long Back) index)
    {
        int prefix = 0;
        while (headIsValid && prefix < _frames.Count && _frames[prefix].IsValid)
        {
            prefix++;
        }

        int taken = prefix;
        while (taken > 0 && _frames[taken - 1].Commit == 0)
        {
            taken--;
        }

        int end = taken;
        int behind = 0;
        for (int i = prefix; i < _frames.Count; i++)
        {
            if (_frames[i].IsValid && _frames[i].Commit != 0)
            {
                behind++;
                end = i + 1;
            }
        }

        long told = index.IsOurs || (_frames.Count == 0 && index.Committed > index.Back) ? index.Committed : 0;
        bool isMore = told > taken;
        if ((behind > 1 || (behind == 1 && (!headIsValid || isMore)) || (isMore && AnyOf(taken, told))) && _frames.Count > 0)
        {
            Fault = $"its journal is damaged from frame {prefix + 1} on";
            end = (int)Math.Max(end, Math.Min(told, _frames.Count));
        }
        else
        {
            end = taken;
        }

        Gone = Math.Max(0, told - Math.Max(_frames.Count, taken));
        if (isMore && Fault is null)
        {
            Gone = told - taken;
        }

        Take(end);
    }

    private bool AnyOf(int from, long to)
    {
        for (int i = from; i < _frames.Count && i < to; i++)
        {
            if (_frames[i].IsOurs)
            {
                return true;
            }
        }

        return false;
    }

    private void Take(int end)
    {
        for (int i = 0; i < end; i++)
        {
            Frame frame = _frames[i];
            HasLostFrames |= !frame.IsOurs;
            if (frame.IsValid)
            {
                _pages[frame.Page] = frame.Position;
                DatabasePages = frame.Commit != 0 ? frame.Commit : DatabasePages;
            }
        }

        for (int i = 0; i < end; i++)
        {
            Frame frame = _frames[i];
            if (!frame.IsValid && frame.IsOurs && !(_pages.TryGetValue(frame.Page, out long later) && later > frame.Position))
            {
                _broken.Add((frame.Page, frame.Position));
            }
        }
    }

    // The index's head stands there twice, with a checksum; its bytes are in the order of this machine.
    private static (long Committed, bool IsOurs, long Back) IndexOf(string path, ReadOnlySpan<byte> salt)
    {
        if (!File.Exists(path))
        {
            return default;
        }

        Span<byte> head = stackalloc byte[(2 * IndexHeadBytes) + 4];
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        if (file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) < head.Length
            || !head[..IndexHeadBytes].SequenceEqual(head.Slice(IndexHeadBytes, IndexHeadBytes)) || Word(head, 0) != Version
            || Sum(default, head[..40], !BitConverter.IsLittleEndian) != (Word(head, 40), Word(head, 44)))
        {
            return default;
        }

        return (Word(head, 16), head.Slice(32, 8).SequenceEqual(salt), Word(head, 2 * IndexHeadBytes));
    }

    private static uint Word(ReadOnlySpan<byte> bytes, int at) => BitConverter.ToUInt32(bytes[at..]);

    private static (uint, uint) Stored(ReadOnlySpan<byte> bytes) =>
        (BinaryPrimitives.ReadUInt32BigEndian(bytes), BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]));

    private static (uint, uint) Sum((uint First, uint Second) sum, ReadOnlySpan<byte> bytes, bool bigWords)
    {
        (uint first, uint second) = sum;
        for (int i = 0; i < bytes.Length; i += 8)
        {
            uint a = bigWords ? BinaryPrimitives.ReadUInt32BigEndian(bytes[i..]) : BinaryPrimitives.ReadUInt32LittleEndian(bytes[i..]);
            uint b = bigWords ? BinaryPrimitives.ReadUInt32BigEndian(bytes[(i + 4)..])
                : BinaryPrimitives.ReadUInt32LittleEndian(bytes[(i + 4)..]);
            first = unchecked(first + a + second);
            second = unchecked(second + b + first);
        }

        return (first, second);
    }
}
