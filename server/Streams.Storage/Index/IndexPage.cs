using System.Buffers.Binary;
using Streams.Core;

namespace Streams.Storage;

/// <summary>A page of an index file: rows of one size, and a checksum that begins from the page's number, so that a page in a wrong place
/// never passes. Drawn in docs/container-format.md.</summary>
internal static class IndexPage
{
    public const int Size = 4096;
    public const int DataBytes = Size - sizeof(uint);

    public static void Seal(Span<byte> page, int number) =>
        BinaryPrimitives.WriteUInt32LittleEndian(page[DataBytes..], Crc32C.Compute(page[..DataBytes], (uint)number));

    public static bool IsGood(ReadOnlySpan<byte> page, int number) =>
        BinaryPrimitives.ReadUInt32LittleEndian(page[DataBytes..]) == Crc32C.Compute(page[..DataBytes], (uint)number);
}

/// <summary>A run of pages of an index file that hold rows of one size.</summary>
/// <param name="FirstPage">Its first page.</param>
/// <param name="RowBytes">Bytes of a row.</param>
internal readonly record struct IndexSection(int FirstPage, int RowBytes)
{
    public int RowsPerPage => IndexPage.DataBytes / RowBytes;

    public int PageOf(int row) => FirstPage + (row / RowsPerPage);

    public int OffsetOf(int row) => row % RowsPerPage * RowBytes;

    public int PagesFor(int rows) => (rows + RowsPerPage - 1) / RowsPerPage;
}
