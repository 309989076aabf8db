using System.Buffers.Binary;
using Streams.Core;

namespace Streams.Storage;

/// <summary>Page 0 of an index file, and the sizes of rows. Drawn in docs/container-format.md.</summary>
internal readonly record struct IndexHeader(long First, long End, uint LastGroup, int Places, int Topics, int Mentions, int DirectoryBytes)
{
    public const uint Version = 2;

    /// <summary>Bytes of the row of an entry: position in the segment, body length, checksum, bytes of the part before it in eights
    /// (u32 each), base offset, appended by (i64 each).</summary>
    public const int PlaceBytes = 32;

    /// <summary>Bytes of the row of a topic: hash u64, then first mention and count u32; a topic that is mentioned once has the entry
    /// itself in place of the first mention.</summary>
    public const int TopicBytes = 16;

    /// <summary>Bytes of a mention: the entry's index in its part, u32.</summary>
    public const int MentionBytes = 4;

    /// <summary>What is wrong with a file that ends before the pages that its header tells of.</summary>
    public const string Torn = "it is torn";

    private static ReadOnlySpan<byte> Magic => "STRMSIDX"u8;

    public IndexSection PlaceSection => new(1, PlaceBytes);

    public IndexSection TopicSection => new(1 + PlaceSection.PagesFor(Places), TopicBytes);

    public IndexSection MentionSection => new(TopicSection.FirstPage + TopicSection.PagesFor(Topics), MentionBytes);

    /// <summary>Its directory: bytes that go on from page to page.</summary>
    public IndexSection Directory => new(MentionSection.FirstPage + MentionSection.PagesFor(Mentions), 1);

    public int Pages => Directory.FirstPage + Directory.PagesFor(DirectoryBytes);

    public void Write(Span<byte> page)
    {
        Magic.CopyTo(page);
        BinaryPrimitives.WriteUInt32LittleEndian(page[8..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(page[12..], LastGroup);
        BinaryPrimitives.WriteInt64LittleEndian(page[16..], First);
        BinaryPrimitives.WriteInt64LittleEndian(page[24..], End);
        BinaryPrimitives.WriteInt32LittleEndian(page[32..], Places);
        BinaryPrimitives.WriteInt32LittleEndian(page[36..], Topics);
        BinaryPrimitives.WriteInt32LittleEndian(page[40..], Mentions);
        BinaryPrimitives.WriteInt32LittleEndian(page[44..], DirectoryBytes);
    }

    /// <summary>Reads page 0; what is wrong with it, if something is.</summary>
    public static string? TryRead(ReadOnlySpan<byte> page, long first, long end, long fileBytes, out IndexHeader header)
    {
        header = default;
        if (page.Length < IndexPage.Size || !page[..8].SequenceEqual(Magic))
        {
            return "it is no index file";
        }

        uint version = BinaryPrimitives.ReadUInt32LittleEndian(page[8..]);
        if (version != Version)
        {
            return $"it has version {version}, this program reads version {Version}";
        }

        if (!IndexPage.IsGood(page, 0))
        {
            return "it is damaged";
        }

        header = new IndexHeader(BinaryPrimitives.ReadInt64LittleEndian(page[16..]), BinaryPrimitives.ReadInt64LittleEndian(page[24..]),
            BinaryPrimitives.ReadUInt32LittleEndian(page[12..]), BinaryPrimitives.ReadInt32LittleEndian(page[32..]),
            BinaryPrimitives.ReadInt32LittleEndian(page[36..]), BinaryPrimitives.ReadInt32LittleEndian(page[40..]),
            BinaryPrimitives.ReadInt32LittleEndian(page[44..]));
        return header.First != first || header.End != end ? "it is of another segment"
            : fileBytes < (long)header.Pages * IndexPage.Size ? Torn
            : null;
    }
}
