using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Storage;

/// <summary>Opens a log: finds its segments, reads them, cuts a torn tail, and steps over damage in what had been flushed.</summary>
/// <remarks>The state is complete and stable when <see cref="Open"/> returns: what it read of the last segment is flushed before anybody
/// can see it (rule R1).</remarks>
internal sealed class LogOpener(ILogDisk disk, ContainerOptions options, ILogger logger, LogReplay replay, RecoveryReport report)
{
    private readonly List<UnreadableRange> _unreadable = [];
    private uint _lastGroup;
    private long _lastGroupStart;

    public SegmentLog Open()
    {
        List<Segment> segments = OpenFiles();
        for (int i = 0; i < segments.Count; i++)
        {
            Segment segment = segments[i];
            replay.Begin(segment);
            if (i + 1 < segments.Count)
            {
                TakeSealed(segment, EndOf(segment, segments[i + 1]));
            }
            else
            {
                ReadLast(segment);
            }
        }

        foreach (UnreadableRange range in _unreadable)
        {
            logger.Unreadable(range.Segment, range.Offset, range.Bytes, range.Reason);
        }

        report.Unreadable = _unreadable;
        report.RecordsRead = replay.Records;
        return new SegmentLog(disk, options, [.. segments], _lastGroup, _lastGroupStart);
    }

    private List<Segment> OpenFiles()
    {
        List<(long First, string Name)> found = [];
        IReadOnlyList<string> names = disk.List();
        foreach (string name in names)
        {
            if (SegmentHeader.TryParseName(name, out long first))
            {
                found.Add((first, name));
            }
        }

        found.Sort();
        RemoveOrphans(names);
        List<Segment> segments = [];
        Span<byte> header = stackalloc byte[SegmentHeader.Size];
        for (int i = 0; i < found.Count; i++)
        {
            (long first, string name) = found[i];
            ILogFile file = disk.Open(name);
            int read = file.Read(0, header);
            if (SegmentHeader.TryRead(header[..read], first, out SegmentHeader head))
            {
                segments.Add(new Segment(name, first, file) { Allocated = file.Length, Header = head });
            }
            else if (i == found.Count - 1 && !HasRecord(file, first))
            {
                // The header is flushed before the first record is written: there is nothing in it.
                file.Dispose();
                disk.Delete(name);
                disk.SyncDirectory();
                logger.EmptySegmentRemoved(name);
            }
            else
            {
                _unreadable.Add(new UnreadableRange(name, 0, SegmentHeader.Size, "the segment's header is damaged", first));
                Segment segment = new(name, first, file) { Allocated = file.Length };
                segments.Add(segment);
                MendHeader(segment, isFirst: i == 0, i + 1 < found.Count ? found[i + 1].First : null);
            }
        }

        RemoveGivenBack(segments);
        return segments;
    }

    // An index whose segment went while it was being made, and what was left of mending one.
    private void RemoveOrphans(IReadOnlyList<string> names)
    {
        HashSet<string> all = [.. names];
        foreach (string name in names)
        {
            string index = name.EndsWith(SegmentIndex.MendingSuffix, StringComparison.Ordinal) ? name[..^SegmentIndex.MendingSuffix.Length]
                : name;
            bool isIndex = index.EndsWith(SegmentIndex.Extension, StringComparison.Ordinal);
            if (isIndex && (index.Length < name.Length || !all.Contains(Path.ChangeExtension(index, SegmentHeader.Extension))))
            {
                disk.Delete(name);
            }
        }
    }

    // Checksums of records begin from their positions, so the name says all that is needed to know them.
    private static bool HasRecord(ILogFile file, long first)
    {
        SegmentScanner scanner = new(file, first, file.Length);
        return scanner.Next(out _, out _, out _) == ScanStep.Record || scanner.TryFindNext(out _);
    }

    // It says what its name and its neighbours say. What stands between it and the next segment is taken to have been given back; if it
    // was not, the lanes miss entries, and that is found.
    private void MendHeader(Segment segment, bool isFirst, long? next)
    {
        long gap = next is { } begins && begins > segment.First + segment.Allocated ? begins : 0;
        try
        {
            SegmentLog.Replace(segment, new SegmentHeader(segment.First, gap, isFirst && segment.First > 0));
        }
        catch (StorageFailedException cause)
        {
            logger.HeaderNotMended(cause, segment.Name);
        }
    }

    // A segment is deleted after a neighbour that stays says so: what is still there was to go when the program stopped. What is not
    // there though no neighbour says so is damage.
    private void RemoveGivenBack(List<Segment> segments)
    {
        int begin = Math.Max(0, segments.FindLastIndex(s => s.Header.BeginsLog));
        bool removed = false;
        for (int i = segments.Count - 1; i >= 0; i--)
        {
            long first = segments[i].First;
            if (i < begin || segments.Exists(s => s.First < first && first < s.Header.NextPosition))
            {
                segments[i].File.Dispose();
                disk.Delete(SegmentIndex.NameFor(segments[i]));
                disk.Delete(segments[i].Name);
                segments.RemoveAt(i);
                removed = true;
            }
        }

        if (removed)
        {
            disk.SyncDirectory();
        }

        if (segments.Count > 0 && segments[0].First > 0 && !segments[0].Header.BeginsLog)
        {
            Report(segments[0], 0, 0, "the segments before it are missing");
        }

        if (segments.Count > 0 && segments[^1].Header.NextPosition > 0)
        {
            Report(segments[^1], segments[^1].Allocated, 0, "the segments behind it are missing");
        }
    }

    private long EndOf(Segment segment, Segment next)
    {
        if (segment.Header.NextPosition == 0)
        {
            return next.First;
        }

        if (segment.Header.NextPosition != next.First)
        {
            Report(segment, segment.Allocated, 0, $"the segment behind it, at {segment.Header.NextPosition}, is missing");
        }

        return segment.First + segment.Allocated;
    }

    private void TakeSealed(Segment segment, long end)
    {
        segment.Used = end - segment.First;
        if (segment.Allocated < segment.Used)
        {
            // Its index may be good and say what was there; what cannot be read is said when it is opened, not when somebody reads.
            Report(segment, segment.Allocated, segment.Used - segment.Allocated, "the file was cut");
        }

        if (replay.IsApplied(end))
        {
            string? fault = SegmentIndex.TryOpen(disk, segment, end, logger, out SegmentIndex? index, out byte[] directory);
            if (fault is null)
            {
                segment.Index = index;
                fault = replay.Apply(index!, directory);
                if (fault is not null)
                {
                    throw new InvalidFormatException(
                        $"{SegmentIndex.NameFor(segment)}: {fault}; delete the file to have it made anew");
                }

                _lastGroup = index!.Header.LastGroup;
                report.SegmentsFromIndex++;
                return;
            }

            logger.IndexNotUsed(segment.Name, fault);
        }

        int faults = _unreadable.Count;
        ReadSealed(segment, segment.Used);
        if (options.Directory is not null)
        {
            EndSealed(segment, end, makeIndex: _unreadable.Count == faults);
        }
    }

    // Without an index file, for it would hide the damage at the next start, its rows stay in memory.
    private void EndSealed(Segment segment, long end, bool makeIndex)
    {
        SegmentContents contents = replay.State.Contents;
        IndexKeeper.End(replay.State);
        if (!makeIndex)
        {
            contents.Mentions.Sort();
            return;
        }

        try
        {
            foreach ((LaneState lane, MemoryPart part, FilePart file) in IndexKeeper.Write(disk, contents, segment, end, _lastGroup,
                logger))
            {
                lane.Replace(part, file);
            }

            replay.State.Ended.Remove(contents);
        }
        catch (Exception cause) when (cause is StorageFailedException or InvalidFormatException)
        {
            logger.IndexNotWritten(cause, segment.Name);
        }
    }

    private void ReadSealed(Segment segment, long end)
    {
        SegmentScanner scanner = new(segment.File, segment.First, Math.Min(end, segment.Allocated));
        while (true)
        {
            ScanStep step = scanner.Next(out RecordHeader header, out ReadOnlyMemory<byte> body, out long position);
            if (step == ScanStep.Record)
            {
                Take(segment, header, body, position);
                continue;
            }

            long bad = scanner.Offset;
            if (bad >= end)
            {
                return;
            }

            bool found = scanner.TryFindNext(out _);
            Report(segment, bad, (found ? scanner.Offset : end) - bad, "a record is damaged");
            if (!found)
            {
                return;
            }
        }
    }

    private void ReadLast(Segment segment)
    {
        SegmentScanner scanner = new(segment.File, segment.First, segment.Allocated);
        while (true)
        {
            ScanStep step = scanner.Next(out RecordHeader header, out ReadOnlyMemory<byte> body, out long position);
            if (step == ScanStep.Record && IsTorn(scanner, header, body))
            {
                // Good records of the group stand here, which count for nothing without the others: unless it had been flushed.
                long behind = scanner.Offset;
                if (!TryFindFlushed(scanner, out _))
                {
                    segment.Used = position - segment.First;
                    CutTail(segment, Math.Max(0, Math.Max(behind, scanner.LastNonZero) - segment.Used), ScanStep.Bad);
                    return;
                }

                scanner.GoTo(behind);
                continue;
            }

            if (step == ScanStep.Record)
            {
                Take(segment, header, body, position);
                continue;
            }

            long bad = scanner.Offset;
            if (!TryFindFlushed(scanner, out long good))
            {
                segment.Used = bad;
                CutTail(segment, Math.Max(0, scanner.LastNonZero - bad), step);
                return;
            }

            Report(segment, bad, good - bad, "a record is damaged, though later ones show that it had been flushed");
            scanner.GoTo(good);
        }
    }

    private static bool IsTorn(SegmentScanner scanner, in RecordHeader header, ReadOnlyMemory<byte> body) =>
        header.Kind == RecordKind.Bound && !(RecordBodies.TryReadBound(body, out long bytes) && scanner.AreGood(bytes));

    // Group g+2 is written only when g+1 is flushed. So a good record of such a group behind the bad place shows that the bad place is
    // no torn write but damage, and cutting there would lose what was acknowledged.
    private bool TryFindFlushed(SegmentScanner scanner, out long firstGood)
    {
        firstGood = -1;
        while (scanner.TryFindNext(out RecordHeader header))
        {
            firstGood = firstGood < 0 ? scanner.Offset : firstGood;
            uint distance = (header.Group - _lastGroup) & RecordHeader.GroupMask;
            if (distance is >= 2 and < RecordHeader.GroupMask / 2)
            {
                return true;
            }
        }

        return false;
    }

    private void CutTail(Segment segment, long bytes, ScanStep step)
    {
        if (bytes > 0)
        {
            report.CutBytes = bytes;
            string why = step == ScanStep.Bad ? "a record is torn" : "records stand behind the end";
            report.CutDetail = $"{segment.Name} at {segment.Used}: {why}";
            logger.TailCut(segment.Name, segment.Used, bytes);
        }

        // Stale bytes behind the cut must not come back as records.
        segment.File.SetLength(segment.Used);
        segment.Allocated = segment.Used;
        TailWriter.WriteAgain(segment.File, segment.Name, Math.Max(0, _lastGroupStart - segment.First), segment.Used);
        segment.File.Flush();
        disk.SyncDirectory();
    }

    private void Take(Segment segment, in RecordHeader header, ReadOnlyMemory<byte> body, long position)
    {
        if (header.Group != _lastGroup || position == segment.First + SegmentHeader.Size)
        {
            _lastGroup = header.Group;
            _lastGroupStart = position;
        }

        if (replay.Apply(header, body, position) is { } fault)
        {
            Report(segment, position - segment.First, header.Padded, fault);
        }
    }

    private void Report(Segment segment, long offset, long bytes, string reason) =>
        _unreadable.Add(new UnreadableRange(segment.Name, offset, bytes, reason, segment.First + offset));
}
