using System.Buffers;
using Streams.Core;

namespace Streams.Storage;

/// <summary>Reads the log once, from end to end, and checks all of it: each record, what it says, that lanes have no holes, that segments
/// follow each other, and with each segment its index file.</summary>
/// <remarks>Changes nothing. Memory: the joined state of the log, and of one segment what its index says.</remarks>
internal sealed class LogVerifier(StateCheck state, Action<long, long>? progress)
{
    private readonly ContainerState _log = new();
    private readonly Dictionary<int, LaneCheck> _byNumber = [];
    private readonly Dictionary<LaneId, LaneCheck> _lanes = [];
    private readonly List<(FileCheck File, long Offset, LaneCheck Lane, long From, long To)> _missing = [];
    private readonly SegmentGather _gather = new();
    private readonly HashSet<string> _listedIndexes = [];
    private FileCheck _file = new("", 0);
    private SegmentFile _segment;
    private uint? _group;
    private string _folder = "";
    private long _begin;
    private bool _keepsIndex;

    /// <summary>What was found of each file.</summary>
    public List<FileCheck> Files { get; } = [];

    /// <summary>Behind the last good record.</summary>
    public long End { get; private set; }

    /// <summary>What the log says together.</summary>
    public ContainerState Joined => _log;

    public IReadOnlyList<LaneStatus> Lanes => [.. _lanes.Values.Where(static l => l.IsBegun).Select(static l => new LaneStatus(l.Id,
        new EntryNumber(l.FirstEntry), new EntryNumber(l.NextEntry), new Offset(l.FirstOffset), new Offset(l.NextOffset), l.Bytes))];

    public long NextEntry(LaneId lane) => _lanes.TryGetValue(lane, out LaneCheck? found) ? found.NextEntry : 0;

    public void Run(string folder)
    {
        List<SegmentFile> segments = SegmentFiles.List(folder);
        SegmentHeader[] headers = [.. segments.Select(SegmentFiles.Header)];
        List<SegmentFile> given = segments.FindAll(s => SegmentFiles.IsGivenBack(s.First, headers));
        foreach (SegmentFile segment in given)
        {
            FileCheck check = new(segment.Name, segment.Bytes);
            check.Note("it was to be given back when the server stopped: it goes when the container is opened");
            Files.Add(check);
        }

        segments.RemoveAll(given.Contains);
        _folder = folder;
        foreach (SegmentFile segment in segments)
        {
            _listedIndexes.UnionWith(File.Exists(segment.IndexPath) ? [Stamp(segment.IndexPath)] : []);
        }

        _begin = segments.Count > 0 ? segments[0].First : 0;
        long total = segments.Sum(static s => s.Bytes);
        long done = 0;
        for (int i = 0; i < segments.Count; i++)
        {
            _segment = segments[i];
            _file = new FileCheck(_segment.Name, _segment.Bytes);
            Files.Add(_file);
            SegmentHeader header = Array.Find(headers, h => h.FirstPosition == _segment.First);
            Check(header, i == 0, i + 1 < segments.Count ? segments[i + 1].First : null);
            progress?.Invoke(done += _segment.Bytes, total);
        }

        // What retention took may be gone from anywhere; what is kept may not.
        foreach ((FileCheck file, long offset, LaneCheck lane, long from, long to) in _missing)
        {
            foreach ((long first, long end) in lane.Lost(from, to))
            {
                file.Fault(offset, $"{lane.Id}: entries {first} to {end - 1} are missing before it");
            }
        }

        Files.ForEach(static f => f.Sort());
    }

    private void Check(SegmentHeader header, bool isFirst, long? next)
    {
        // Where those between were given back, it ends with its file.
        long end = header.NextPosition > 0 ? _segment.Bytes : next - _segment.First ?? _segment.Bytes;
        _gather.Clear();
        _keepsIndex = next is not null && File.Exists(_segment.IndexPath);
        try
        {
            using ILogFile file = SegmentFiles.Open(_segment.Path);
            string? fault = SegmentFiles.HeaderFault(file, _segment.First, out _);
            if (fault is not null && next is null)
            {
                _file.Note("its header is not whole: a segment that was being made, without a record");
                return;
            }

            if (fault is not null)
            {
                Damage(0, fault);
            }

            if (isFirst && _segment.First > 0 && header.BeginsLog)
            {
                _file.Note($"the log begins here, at position {_segment.First}: what was before it was given back");
            }
            else if (isFirst && _segment.First > 0)
            {
                _file.Fault(0, $"the log begins here, at position {_segment.First}, and nothing says that what was before was given back");
            }

            Walk(new SegmentWalker(file, _segment.First, Math.Min(end, _segment.Bytes), next is null));
        }
        catch (StorageFailedException) when (!File.Exists(_segment.Path) && IsGoneNow())
        {
            _file.Note("it was given back meanwhile");
            return;
        }
        catch (StorageFailedException cause)
        {
            Damage(-1, cause.Message);
        }

        if (next is { } begin)
        {
            CheckChain(header, begin, end);
            CheckIndex(_segment.First + end);
        }
        else if (header.NextPosition > 0)
        {
            _file.Fault(_segment.Bytes, $"the segment behind it, at position {header.NextPosition}, is missing");
        }
    }

    // Retention of a live server may take a segment after the folder was listed.
    private bool IsGoneNow() => SegmentFiles.IsGivenBack(_segment.First, [.. SegmentFiles.List(_folder).Select(SegmentFiles.Header)]);

    private void CheckChain(SegmentHeader header, long next, long end)
    {
        _group = header.NextPosition > 0 ? null : _group;
        if (header.NextPosition > 0 && header.NextPosition != next)
        {
            _file.Fault(_segment.Bytes, $"the segment behind it, at position {header.NextPosition}, is missing");
        }
        else if (_segment.Bytes < end)
        {
            Damage(_segment.Bytes, $"{end - _segment.Bytes} bytes are missing: the next segment begins at position {next}");
        }
        else if (_segment.Bytes > end)
        {
            _file.Note($"{_segment.Bytes - end} bytes stand behind its end");
        }
    }

    private void Walk(SegmentWalker walker)
    {
        while (true)
        {
            switch (walker.Next())
            {
                case WalkStep.Record:
                    Take(walker.Header, walker.Body, walker.Offset);
                    End = _segment.First + walker.Offset + walker.Bytes;
                    break;
                case WalkStep.Damaged:
                    Damage(walker.Offset, $"{walker.Bytes} bytes: {walker.Reason}");
                    _group = null;
                    break;
                case WalkStep.TornTail:
                    _file.Note($"torn tail: {walker.Bytes} bytes at {walker.Offset}, of a write that nobody was told of");
                    return;
                default:
                    return;
            }
        }
    }

    private void Take(in RecordHeader header, ReadOnlyMemory<byte> body, long offset)
    {
        _file.Records++;
        if (header.Kind != RecordKind.Hole && _group is { } last && header.Group != last
            && header.Group != ((last + 1) & RecordHeader.GroupMask))
        {
            _file.Fault(offset, $"group {header.Group} follows group {last}");
        }

        _group = header.Group;
        _gather.LastGroup = header.Group;
        string? fault = header.Kind switch
        {
            RecordKind.LaneEntry => TakeEntry(body, offset),
            RecordKind.LaneDeclared or RecordKind.LaneSkip or RecordKind.PartitionletSealed => TakeOfLane(header.Kind, body, offset),
            RecordKind.Joined => RecordBodies.TryReadItem(body, out StateItem item)
                ? News(FactReplay.Apply(_log, state.State, item, out bool isNews), isNews, offset) : Malformed(header.Kind),
            RecordKind.OriginSet => TakeOrigin(body, offset),
            RecordKind.LaneRepaired => TakeRepaired(body, offset),
            RecordKind.LaneLost => TakeMissing(body),
            RecordKind.Hole => TakeHole(body, offset),
            RecordKind.Bound => RecordBodies.TryReadBound(body, out _) ? null : Malformed(header.Kind),
            _ => null,
        };
        if (fault is not null)
        {
            _file.Fault(offset, fault);
        }
    }

    private string? TakeEntry(ReadOnlyMemory<byte> body, long offset)
    {
        if (!RecordBodies.TryReadEntry(body, out int number, out LaneEntry? entry))
        {
            return Malformed(RecordKind.LaneEntry);
        }

        if (!_byNumber.TryGetValue(number, out LaneCheck? lane) || lane.DeclaredIn != _segment.First)
        {
            return $"an entry of lane {number}, which is not declared before it in this segment";
        }

        long expected = lane.NextEntry;
        string? fault = lane.Take(entry!, RecordHeader.PaddedLength(body.Length), _begin > 0, out long missing);
        if (missing > 0)
        {
            _missing.Add((_file, offset, lane, expected, expected + missing));
        }

        EventBatch? batch = null;
        if (entry!.Kind == EntryKind.Events && !EventBatch.TryParse(entry.Body, out batch, out string? wrong))
        {
            return $"{lane.Id}: entry {entry.Number}: {wrong}";
        }

        if (batch is not null && batch.Header.Count != entry.EventCount)
        {
            return $"{lane.Id}: entry {entry.Number} says {entry.EventCount} events, its batch has {batch.Header.Count}";
        }

        fault ??= entry.Path.Hops[0] != lane.Id.Origin ? $"{lane.Id}: the path of entry {entry.Number} does not begin at its origin" : null;
        CountLane(lane);
        _file.Entries++;
        _file.Events += entry.EventCount;
        if (_keepsIndex)
        {
            _gather.Add(lane, entry, _segment.First + offset, body.Length, batch);
        }

        string? malformed = News(FactReplay.Apply(_log, state.State, lane.Id, entry, batch, out bool isNews), isNews, offset);
        return fault ?? malformed;
    }

    private string? TakeRepaired(ReadOnlyMemory<byte> body, long offset)
    {
        if (!RecordBodies.TryReadEntry(body, out int number, out LaneEntry? entry))
        {
            return Malformed(RecordKind.LaneRepaired);
        }

        if (!_byNumber.TryGetValue(number, out LaneCheck? lane) || lane.DeclaredIn != _segment.First)
        {
            return $"an entry got back of lane {number}, which is not declared before it in this segment";
        }

        EventBatch? batch = null;
        if (entry!.Kind == EntryKind.Events && !EventBatch.TryParse(entry.Body, out batch, out string? wrong))
        {
            return $"{lane.Id}: entry {entry.Number}, got back: {wrong}";
        }

        CountLane(lane);
        _file.Entries++;
        _file.Events += entry.EventCount;
        if (_keepsIndex)
        {
            EntryPlace place = new(_segment.First + offset, body.Length, Crc32C.Compute(entry.Body.Span), entry.BaseOffset.Value);
            ArrayBufferWriter<byte> row = new();
            RecordBodies.WritePlace(row, number, entry.Number.Value, place);
            _gather.Add(RecordKind.LaneRepaired, row.WrittenMemory);
        }

        string? malformed = News(FactReplay.Apply(_log, state.State, lane.Id, entry, batch, out bool isNews), isNews, offset);
        return lane.Repair(entry) ?? malformed;
    }

    private string? TakeMissing(ReadOnlyMemory<byte> body)
    {
        if (_keepsIndex)
        {
            _gather.Add(RecordKind.LaneLost, body);
        }

        if (!MissingRun.TryRead(body, out int number, out MissingRun run))
        {
            return Malformed(RecordKind.LaneLost);
        }

        if (!_byNumber.TryGetValue(number, out LaneCheck? lane) || lane.DeclaredIn != _segment.First)
        {
            return $"missing entries of lane {number}, which is not declared before it in this segment";
        }

        CountLane(lane);
        if (run.IsLost || run.Next > lane.NextEntry)
        {
            _file.Note($"{lane.Id}: entries {run.First} to {run.Next - 1} "
                + (run.IsLost ? "were declared lost here" : "were lost where the lane came from"));
        }

        return lane.TakeOut(run);
    }

    private string? TakeHole(ReadOnlyMemory<byte> body, long offset)
    {
        if (!RecordBodies.TryReadHole(body, out long bytes))
        {
            return Malformed(RecordKind.Hole);
        }

        _gather.AddHole(offset, offset + bytes);
        return null;
    }

    private string? TakeOfLane(RecordKind kind, ReadOnlyMemory<byte> body, long at)
    {
        if (_keepsIndex)
        {
            _gather.Add(kind, body);
        }

        if (kind == RecordKind.LaneDeclared)
        {
            return RecordBodies.TryReadDeclared(body, out int declared, out LaneId id) ? Declare(declared, id) : Malformed(kind);
        }

        EntryNumber first = default;
        Offset offset = default;
        SealedRun run = default;
        bool isRead = kind == RecordKind.LaneSkip ? RecordBodies.TryReadSkip(body, out int number, out first, out offset)
            : RecordBodies.TryReadSealed(body, out number, out run);
        if (!isRead)
        {
            return Malformed(kind);
        }

        if (!_byNumber.TryGetValue(number, out LaneCheck? lane) || lane.DeclaredIn != _segment.First)
        {
            return $"a record of kind {kind} of lane {number}, which is not declared before it in this segment";
        }

        CountLane(lane);
        if (kind == RecordKind.LaneSkip)
        {
            return lane.Skip(first.Value, offset.Value);
        }

        long expected = lane.NextEntry;
        string? fault = lane.Seal(run, out long missing);
        if (missing > 0)
        {
            _missing.Add((_file, at, lane, expected, expected + missing));
        }

        return fault;
    }

    private string? Declare(int number, LaneId id)
    {
        if (!_lanes.TryGetValue(id, out LaneCheck? lane))
        {
            _lanes[id] = lane = new LaneCheck(id, number);
        }

        bool isOther = lane.Number != number || (_byNumber.TryGetValue(number, out LaneCheck? known) && known != lane);
        _byNumber[number] = lane;
        lane.DeclaredIn = _segment.First;
        return isOther ? $"lane {id} is declared as {number}, which is another lane, or was another number before" : null;
    }

    private string? TakeOrigin(ReadOnlyMemory<byte> body, long offset)
    {
        if (!RecordBodies.TryReadOrigin(body, out Origin origin))
        {
            return Malformed(RecordKind.OriginSet);
        }

        _log.ApplyOwnOrigin(origin);
        return News(null, state.State?.JoinOrigin(origin) == true, offset);
    }

    private string? News(string? fault, bool isNews, long offset)
    {
        if (isNews)
        {
            state.News(_segment.First + offset);
        }

        return fault;
    }

    private void CountLane(LaneCheck lane)
    {
        if (lane.SeenIn != _segment.First)
        {
            lane.SeenIn = _segment.First;
            _file.Lanes++;
        }
    }

    private void Damage(long offset, string what)
    {
        _file.Fault(offset, what);
        _gather.IsTorn = true;
    }

    private static string Malformed(RecordKind kind) => $"a record of kind {kind} is malformed";

    private void CheckIndex(long end)
    {
        if (!_keepsIndex)
        {
            _file.Note("it has no index file: it is made when the container is opened");
            return;
        }

        FileCheck check = TryIndex(end);
        if (check.FaultCount > 0 && File.Exists(_segment.IndexPath) && !_listedIndexes.Contains(Stamp(_segment.IndexPath)))
        {
            // A live server was writing it.
            check = new FileCheck(check.Name, check.Bytes);
            check.Note("it is being written: not checked");
        }

        Files.Add(check);
    }

    private FileCheck TryIndex(long end)
    {
        FileCheck check = new(System.IO.Path.GetFileName(_segment.IndexPath), 0);
        try
        {
            using ILogFile file = SegmentFiles.Open(_segment.IndexPath);
            new IndexVerifier(_segment, end, _gather, check).Run(file);
        }
        catch (StorageFailedException cause)
        {
            check.Fault(-1, cause.Message);
        }

        return check;
    }

    private static string Stamp(string path)
    {
        FileInfo file = new(path);
        return $"{file.Name} {file.Length} {file.LastWriteTimeUtc.Ticks}";
    }
}
