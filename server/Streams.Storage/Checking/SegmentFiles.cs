using Streams.Core;

namespace Streams.Storage;

/// <summary>A segment's file as it was listed.</summary>
internal readonly record struct SegmentFile(long First, string Name, string Path, long Bytes)
{
    public string IndexPath => System.IO.Path.ChangeExtension(Path, ".idx");
}

/// <summary>The files of a container for those that only look: nothing is made, locked or changed, so a live server does not
/// mind.</summary>
internal static class SegmentFiles
{
    /// <summary>The segments of a folder, in the order of the log.</summary>
    /// <exception cref="StorageFailedException">The folder cannot be read.</exception>
    public static List<SegmentFile> List(string folder) => DirectoryDisk.Guard("list " + folder, () =>
    {
        List<SegmentFile> found = [];
        foreach (FileInfo file in new DirectoryInfo(folder).EnumerateFiles())
        {
            if (SegmentHeader.TryParseName(file.Name, out long first))
            {
                found.Add(new SegmentFile(first, file.Name, file.FullName, file.Length));
            }
        }

        found.Sort(static (a, b) => a.First.CompareTo(b.First));
        return found;
    });

    /// <summary>Opens a file for reading from its beginning to its end.</summary>
    /// <exception cref="StorageFailedException">It cannot be read.</exception>
    public static ILogFile Open(string path)
    {
        string name = System.IO.Path.GetFileName(path);
        return DirectoryDisk.Guard("open " + name, () => (ILogFile)new DiskFile(File.OpenHandle(path, FileMode.Open, FileAccess.Read,
            FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan), name));
    }

    /// <summary>What a segment's header says; nothing when it cannot be read.</summary>
    public static SegmentHeader Header(SegmentFile segment)
    {
        try
        {
            using ILogFile file = Open(segment.Path);
            _ = HeaderFault(file, segment.First, out SegmentHeader header);
            return header;
        }
        catch (StorageFailedException)
        {
            return new SegmentHeader(segment.First, 0, false);
        }
    }

    /// <summary>Whether the headers that stay say that the segment at a position goes.</summary>
    public static bool IsGivenBack(long first, ReadOnlySpan<SegmentHeader> headers)
    {
        foreach (SegmentHeader header in headers)
        {
            if (first < header.FirstPosition ? header.BeginsLog : header.FirstPosition < first && first < header.NextPosition)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>What is wrong with the header of a segment, or <see langword="null"/>; and what it says, as far as it can be
    /// read.</summary>
    public static string? HeaderFault(ILogFile file, long first, out SegmentHeader header)
    {
        header = new SegmentHeader(first, 0, false);
        Span<byte> bytes = stackalloc byte[SegmentHeader.Size];
        try
        {
            int read = file.Read(0, bytes);
            return SegmentHeader.TryRead(bytes[..read], first, out header) ? null : "the segment's header is damaged";
        }
        catch (StreamsException cause)
        {
            return cause.Message;
        }
    }
}
