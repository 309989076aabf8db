using Streams.Core;

namespace Streams.Storage;

/// <summary>Makes a damaged page of an index file anew while the container is open: its directory says which rows there are, the segment
/// what they say.</summary>
/// <remarks>Costs one reading of the segment. Pages that are good stay as they are: they may know of records that were damaged since. What
/// could not be made anew stays damaged, and is made anew when the container is opened without the file.</remarks>
internal sealed class IndexMender(ILogDisk disk, Segment segment, IndexHeader header, byte[] directory)
{
    private readonly SegmentContents _contents = new(keepsItems: true);
    private readonly Dictionary<int, List<(MemoryPart Part, FilePartShape Shape)>> _parts = [];

    /// <summary>Writes good pages over the damaged ones.</summary>
    /// <returns>How many; -1 when the segment does not say any more what the rows of a damaged page said.</returns>
    public int Mend(ILogFile file)
    {
        _ = IndexDirectory.Walk(directory, AddPart, (kind, body) =>
        {
            _contents.Add(kind, body.Span);
            return null;
        });
        Scan();
        foreach (List<(MemoryPart Part, FilePartShape Shape)> parts in _parts.Values)
        {
            parts.ForEach(static p => Fill(p.Part, p.Shape, p.Part.FirstEntry + p.Shape.Count));
        }

        _contents.Mentions.Close();
        _contents.Mentions.Sort();
        string name = SegmentIndex.NameFor(segment) + SegmentIndex.MendingSuffix;
        try
        {
            IndexHeader made = new IndexWriter(_contents, segment, header.End, header.LastGroup).Save(disk, name);
            using ILogFile source = disk.Open(name);
            return Copy(source, file, made);
        }
        finally
        {
            disk.Delete(name);
        }
    }

    // Places stand where they stood in any case; rows of topics do only when none was lost.
    private int Copy(ILogFile source, ILogFile file, in IndexHeader made)
    {
        int same = made with { LastGroup = header.LastGroup } == header ? header.Pages
            : made.Places == header.Places ? header.TopicSection.FirstPage : 0;
        int mended = 0;
        byte[] page = new byte[IndexPage.Size];
        for (int number = 1; number < header.Pages; number++)
        {
            long at = (long)number * IndexPage.Size;
            if (file.Read(at, page) == IndexPage.Size && IndexPage.IsGood(page, number))
            {
                continue;
            }

            if (number >= same || source.Read(at, page) < IndexPage.Size || !IndexPage.IsGood(page, number))
            {
                return -1;
            }

            file.Write(at, page);
            mended++;
        }

        return mended;
    }

    private string? AddPart(int lane, FilePartShape shape)
    {
        MemoryPart part = new(shape.FirstEntry, shape.FirstOffset, 0);
        if (!_parts.TryGetValue(lane, out List<(MemoryPart Part, FilePartShape Shape)>? parts))
        {
            _parts[lane] = parts = [];
        }

        parts.Add((part, shape));
        _contents.Begins(new LaneState(default, lane), part);
        return null;
    }

    private void Scan()
    {
        SegmentScanner scanner = new(segment.File, segment.First, Math.Min(header.End - segment.First, segment.Allocated));
        while (true)
        {
            ScanStep step = scanner.Next(out RecordHeader record, out ReadOnlyMemory<byte> body, out long position);
            if (step == ScanStep.Record)
            {
                if (record.Kind == RecordKind.LaneEntry && RecordBodies.TryReadEntry(body, out int lane, out LaneEntry? entry))
                {
                    Take(lane, entry!, position, record.BodyLength);
                }
            }
            else if (!scanner.TryFindNext(out _))
            {
                return;
            }
        }
    }

    private void Take(int lane, LaneEntry entry, long position, int bodyLength)
    {
        if (!_parts.TryGetValue(lane, out List<(MemoryPart Part, FilePartShape Shape)>? parts))
        {
            return;
        }

        long number = entry.Number.Value;
        int at = parts.FindLastIndex(p => p.Shape.FirstEntry <= number);
        if (at < 0 || number < parts[at].Part.NextEntry || number >= parts[at].Shape.FirstEntry + parts[at].Shape.Count)
        {
            return;
        }

        (MemoryPart part, FilePartShape shape) = parts[at];
        EventBatch? batch = null;
        if (entry.Kind == EntryKind.Events && !EventBatch.TryParse(entry.Body, out batch, out _))
        {
            return;
        }

        Fill(part, shape, number);
        long appendedBy = part.Count == 0 ? shape.FirstAppendedBy : Math.Max(part.AppendedBy, entry.AppendedAt);
        part.Add(entry.NextOffset.Value,
            new EntryPlace(position, bodyLength, Crc32C.Compute(entry.Body.Span), entry.BaseOffset.Value, appendedBy));
        foreach (ref readonly TopicMention mention in batch is null ? default : BatchTopics.Of(batch).Mentions)
        {
            _contents.Mentions.AddOther(lane, mention.Hash, number);
        }
    }

    // Rows of entries that cannot be read.
    private static void Fill(MemoryPart part, in FilePartShape shape, long until)
    {
        while (part.NextEntry < until)
        {
            part.Add(part.NextOffset, new EntryPlace(-1, 0, 0, part.NextOffset, part.Count == 0 ? shape.FirstAppendedBy : part.AppendedBy));
        }
    }
}
