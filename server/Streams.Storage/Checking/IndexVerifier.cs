using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Streams.Core;

namespace Streams.Storage;

/// <summary>Checks an index file: every page, and every row against what was gathered from the segment.</summary>
/// <remarks>Of a segment that is damaged itself, rows of what could not be read there are not judged. One use.</remarks>
internal sealed class IndexVerifier(SegmentFile segment, long end, SegmentGather gather, FileCheck check)
{
    private readonly List<(int Lane, FilePartShape Shape)> _parts = [];
    private byte[] _file = [];
    private IndexHeader _header;
    private long _rowsSeen;

    public void Run(ILogFile file)
    {
        check.Bytes = file.Length;
        _file = new byte[Math.Min(check.Bytes, int.MaxValue / 2)];
        int read = file.Read(0, _file);
        if (IsUnfinished(_file.AsSpan(0, read), out int pages))
        {
            check.Note($"it was not finished when the server stopped, {pages} of its pages are whole: it is rebuilt at opening");
            return;
        }

        ReadOnlySpan<byte> first = _file.AsSpan(0, Math.Min(read, IndexPage.Size));
        if (IndexHeader.TryRead(first, segment.First, end, check.Bytes, out _header) is { } fault)
        {
            check.Fault(0, fault);
            return;
        }

        if (!ArePagesGood())
        {
            return;
        }

        if (_header.LastGroup != gather.LastGroup && !gather.IsTorn)
        {
            check.Fault(0, $"it says that the last group is {_header.LastGroup}, the segment ends with {gather.LastGroup}");
        }

        check.Records = (long)_header.Places + _header.Topics + _header.Mentions;
        if (CheckDirectory() is { } wrong)
        {
            check.Fault((long)_header.Directory.FirstPage * IndexPage.Size, wrong);
            return;
        }

        foreach ((int lane, FilePartShape shape) in _parts)
        {
            CheckPart(lane, shape);
        }

        CheckCounts();
        if (!IsWhole)
        {
            check.Note("rows of topics were not compared: "
                + (gather.IsTorn ? "the segment is damaged" : "space of the segment was given back"));
        }
        else
        {
            CheckTopics();
        }
    }

    // Whether every row has its counterpart in the segment.
    private bool IsWhole => !gather.IsTorn && !gather.HasHoles;

    // Index files are written from front to back and are not flushed. What a kill or a power cut leaves is cut off somewhere, or has pages
    // of zeros that never came down; every page that did is good. A page with anything else in it is damage.
    private bool IsUnfinished(ReadOnlySpan<byte> file, out int good)
    {
        good = 0;
        int whole = file.Length / IndexPage.Size;
        for (int page = 0; page < whole; page++)
        {
            ReadOnlySpan<byte> bytes = file.Slice(page * IndexPage.Size, IndexPage.Size);
            bool isGood = IndexPage.IsGood(bytes, page) && bytes.ContainsAnyExcept((byte)0);
            if (!isGood && bytes.ContainsAnyExcept((byte)0))
            {
                return false;
            }

            good += isGood ? 1 : 0;
        }

        return good < whole || whole == 0
            || IndexHeader.TryRead(file[..IndexPage.Size], segment.First, end, file.Length, out _) == IndexHeader.Torn;
    }

    private bool ArePagesGood()
    {
        bool good = true;
        for (int page = 1; page < _header.Pages; page++)
        {
            if (!IndexPage.IsGood(_file.AsSpan(page * IndexPage.Size, IndexPage.Size), page))
            {
                check.Fault((long)page * IndexPage.Size, $"page {page} is damaged");
                good = false;
            }
        }

        return good;
    }

    private string? CheckDirectory()
    {
        byte[] directory = new byte[_header.DirectoryBytes];
        IndexSection section = _header.Directory;
        for (int at = 0; at < directory.Length; at += section.RowsPerPage)
        {
            _file.AsSpan(section.PageOf(at) * IndexPage.Size, Math.Min(section.RowsPerPage, directory.Length - at))
                .CopyTo(directory.AsSpan(at));
        }

        int records = 0;
        string? fault = IndexDirectory.Walk(directory, (lane, shape) => TakePart(lane, shape, records), (kind, body) =>
        {
            if (gather.IsTorn)
            {
                return null;
            }

            // The start of a lane's copy goes with the space where it was told.
            if (gather.HasHoles && kind == RecordKind.LaneSkip && !IsRecord(records, kind, body.Span))
            {
                return null;
            }

            bool same = IsRecord(records, kind, body.Span);
            records++;
            return same ? null : $"row {records + _parts.Count} of its directory is no record of the segment, or in a wrong place";
        });
        return fault ?? (records < gather.Records.Count && !gather.IsTorn
            ? $"its directory has {records} records that are no entries, the segment has {gather.Records.Count}" : null);
    }

    private bool IsRecord(int at, RecordKind kind, ReadOnlySpan<byte> body) => at < gather.Records.Count
        && gather.Records[at].Kind == kind && gather.Records[at].Body.AsSpan().SequenceEqual(body);

    private string? TakePart(int lane, in FilePartShape shape, int recordsBefore)
    {
        _parts.Add((lane, shape));
        if (shape.Places + (long)shape.Count > _header.Places || shape.Topics + (long)shape.TopicCount > _header.Topics)
        {
            return $"the part of lane {lane} from entry {shape.FirstEntry} on has rows behind the end of their section";
        }

        int at = Find(lane, shape.FirstEntry);
        return at >= 0 && IsWhole && gather.Lanes[lane][at].RecordsBefore != recordsBefore
            ? $"the part of lane {lane} from entry {shape.FirstEntry} on is in a wrong place of its directory" : null;
    }

    private void CheckPart(int lane, in FilePartShape shape)
    {
        IndexSection section = _header.PlaceSection;
        long bytes = 0;
        long events = 0;
        for (int i = 0; i < shape.Count; i++)
        {
            int row = shape.Places + i;
            long offset = ((long)section.PageOf(row) * IndexPage.Size) + section.OffsetOf(row);
            ReadOnlySpan<byte> place = _file.AsSpan((int)offset, IndexHeader.PlaceBytes);
            uint position = BinaryPrimitives.ReadUInt32LittleEndian(place);
            int found = Find(lane, shape.FirstEntry + i);
            if (found < 0)
            {
                // Lost before the index was made, or since then with a part of the segment.
                if (position != uint.MaxValue && !gather.IsTorn && !gather.IsInHole(position))
                {
                    check.Fault(offset, $"entry {shape.FirstEntry + i} of lane {lane} is not in the segment");
                }

                bytes += position == uint.MaxValue ? 0
                    : RecordHeader.PaddedLength(BinaryPrimitives.ReadInt32LittleEndian(place[4..]));
                continue;
            }

            GatheredEntry entry = gather.Lanes[lane][found];
            if (PlaceFault(place, entry, bytes) is { } wrong)
            {
                check.Fault(offset, $"entry {entry.Number} of lane {lane}: {wrong}");
            }

            check.Entries++;
            _rowsSeen++;
            bytes += RecordHeader.PaddedLength(entry.BodyLength);
            events += entry.Events;
        }

        check.Events += events;
        if (IsWhole && (shape.Bytes != bytes || shape.Events != events))
        {
            check.Fault((long)_header.Directory.FirstPage * IndexPage.Size,
                $"the part of lane {lane} from entry {shape.FirstEntry} on has {shape.Events} events in {shape.Bytes} bytes, "
                + $"the segment {events} in {bytes}");
        }

        CheckEnds(lane, shape);
    }

    private void CheckEnds(int lane, in FilePartShape shape)
    {
        int first = Find(lane, shape.FirstEntry);
        int last = Find(lane, shape.FirstEntry + shape.Count - 1);
        if (first < 0 || last < 0)
        {
            return;
        }

        GatheredEntry begin = gather.Lanes[lane][first];
        GatheredEntry end = gather.Lanes[lane][last];
        if (shape.FirstOffset != begin.BaseOffset || shape.NextOffset != end.BaseOffset + end.Events
            || !IsTime(shape.FirstAppendedBy, begin) || !IsTime(shape.AppendedBy, end))
        {
            check.Fault((long)_header.Directory.FirstPage * IndexPage.Size,
                $"the part of lane {lane} from entry {shape.FirstEntry} on does not begin and end as the segment says");
        }
    }

    private string? PlaceFault(ReadOnlySpan<byte> row, in GatheredEntry entry, long bytesBefore)
    {
        return BinaryPrimitives.ReadUInt32LittleEndian(row) != (ulong)(entry.Position - segment.First) ? "its position is wrong"
            : BinaryPrimitives.ReadInt32LittleEndian(row[4..]) != entry.BodyLength ? "its length is wrong"
            : BinaryPrimitives.ReadUInt32LittleEndian(row[8..]) != entry.Checksum ? "its checksum is wrong"
            : BinaryPrimitives.ReadUInt32LittleEndian(row[12..]) * (long)RecordHeader.Alignment != bytesBefore
                && !gather.IsTorn ? "the bytes before it are wrong"
            : BinaryPrimitives.ReadInt64LittleEndian(row[16..]) != entry.BaseOffset ? "its offset is wrong"
            : !IsTime(BinaryPrimitives.ReadInt64LittleEndian(row[24..]), entry) ? "its time is wrong"
            : null;
    }

    // Where a part of the lane is not in the log any more, an earlier time may have been the latest.
    private static bool IsTime(long time, in GatheredEntry entry) =>
        entry.IsExact ? time == entry.AppendedBy : time >= entry.AppendedBy;

    private void CheckCounts()
    {
        long entries = 0;
        foreach (List<GatheredEntry> lane in gather.Lanes.Values)
        {
            entries += lane.Count;
        }

        check.Lanes = gather.Lanes.Count;
        if (entries != _rowsSeen)
        {
            check.Fault(IndexPage.Size, $"it has places of {_rowsSeen} entries of the segment's {entries}");
        }
    }

    // Rows of topics are ordered by part and hash, mentions by entry: the gathered ones are put in that order and both are gone through.
    private void CheckTopics()
    {
        ReadOnlySpan<GatheredMention> mentions = SortedMentions();
        int at = 0;
        long next = 0;
        for (int p = 0; p < _parts.Count; p++)
        {
            FilePartShape shape = _parts[p].Shape;
            if (shape.Mentions != next && shape.TopicCount > 0)
            {
                check.Fault((long)_header.TopicSection.FirstPage * IndexPage.Size,
                    $"mentions of the part of lane {_parts[p].Lane} from entry {shape.FirstEntry} on "
                    + $"begin at row {shape.Mentions}, not {next}");
                return;
            }

            uint inPart = 0;
            for (int row = shape.Topics; row < shape.Topics + shape.TopicCount; row++)
            {
                if (TopicFault(mentions, p, row, ref at, ref inPart) is { } fault)
                {
                    IndexSection section = _header.TopicSection;
                    check.Fault(((long)section.PageOf(row) * IndexPage.Size) + section.OffsetOf(row),
                        $"topic row {row}, of lane {_parts[p].Lane}: {fault}");
                    return;
                }
            }

            next += inPart;
        }

        if (at < mentions.Length)
        {
            check.Fault((long)_header.TopicSection.FirstPage * IndexPage.Size,
                $"{mentions.Length - at} mentions of topics that the segment has are missing");
        }
    }

    private string? TopicFault(ReadOnlySpan<GatheredMention> mentions, int part, int row, ref int at, ref uint inPart)
    {
        IndexSection section = _header.TopicSection;
        ReadOnlySpan<byte> bytes = _file.AsSpan((section.PageOf(row) * IndexPage.Size) + section.OffsetOf(row), IndexHeader.TopicBytes);
        ulong topic = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        uint first = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        uint count = BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]);
        int from = at;
        while (at < mentions.Length && mentions[at].Group == part && mentions[at].Topic == topic)
        {
            at++;
        }

        if (count == 0 || at - from != count)
        {
            return $"it has {count} mentions, the segment {at - from}";
        }

        FilePartShape shape = _parts[part].Shape;
        if (count == 1)
        {
            return shape.FirstEntry + first == mentions[from].Entry ? null : $"it names another entry than {mentions[from].Entry}";
        }

        if (first != inPart || shape.Mentions + (long)first + count > _header.Mentions)
        {
            return "its mentions begin at a wrong row";
        }

        for (int i = 0; i < count; i++)
        {
            int mention = shape.Mentions + (int)first + i;
            IndexSection rows = _header.MentionSection;
            uint index = BinaryPrimitives.ReadUInt32LittleEndian(
                _file.AsSpan((rows.PageOf(mention) * IndexPage.Size) + rows.OffsetOf(mention)));
            if (shape.FirstEntry + index != mentions[from + i].Entry)
            {
                return $"mention {i} names another entry than {mentions[from + i].Entry}";
            }
        }

        inPart += count;
        return null;
    }

    private Span<GatheredMention> SortedMentions()
    {
        Dictionary<int, List<int>> partsOf = [];
        for (int p = 0; p < _parts.Count; p++)
        {
            (CollectionsMarshal.GetValueRefOrAddDefault(partsOf, _parts[p].Lane, out _) ??= []).Add(p);
        }

        Span<GatheredMention> sorted = gather.Mentions;
        foreach (ref GatheredMention mention in sorted)
        {
            mention = mention with { Group = partsOf.TryGetValue(mention.Group, out List<int>? parts) ? PartOf(parts, mention.Entry) : -1 };
        }

        sorted.Sort();
        return sorted;
    }

    private int PartOf(List<int> parts, long entry)
    {
        int at = parts.Count - 1;
        while (at > 0 && _parts[parts[at]].Shape.FirstEntry > entry)
        {
            at--;
        }

        return parts[at];
    }

    private int Find(int lane, long entry)
    {
        if (!gather.Lanes.TryGetValue(lane, out List<GatheredEntry>? entries))
        {
            return -1;
        }

        int low = 0;
        int high = entries.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) >> 1;
            if (entries[middle].Number == entry)
            {
                return middle;
            }

            (low, high) = entries[middle].Number < entry ? (middle + 1, high) : (low, middle - 1);
        }

        return -1;
    }
}
