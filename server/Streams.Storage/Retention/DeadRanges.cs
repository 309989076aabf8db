using Streams.Core;

namespace Streams.Storage;

/// <summary>A run of dead records that is long enough to be given back.</summary>
/// <param name="Offset">Where in the file it begins.</param>
/// <param name="Length">How long it is.</param>
/// <param name="Group">The group of its last record.</param>
internal readonly record struct DeadRange(long Offset, long Length, uint Group);

/// <summary>Goes over the records of a segment that ended and gathers the ranges that can be given back, and what facts they
/// tell.</summary>
/// <remarks>Declarations of lanes and ends of partitionlets stay: they are short, and what is kept in the segment may need them. So does
/// what cannot be read: nobody knows what it was.</remarks>
internal sealed class DeadRanges(SegmentLanes lanes, FactGatherer facts)
{
    /// <summary>Shorter ranges stay: the file system gives back whole blocks of 4 KiB only.</summary>
    public const int LeastBytes = 16 << 10;

    private const int SectorBytes = 512;

    private readonly Dictionary<LaneId, LaneState> _lanes = ById(lanes);
    private readonly Dictionary<int, LaneId> _declared = [];
    private readonly List<(RecordKind Kind, byte[] Body, LaneId? Lane, long Position)> _pending = [];
    private readonly List<DeadRange> _ranges = [];
    private long _start = -1;
    private long _end;
    private uint _group;
    private bool _isTakingAll;
    private bool _isNew;

    /// <summary>The ranges, in order, when only a part of the segment goes.</summary>
    public IReadOnlyList<DeadRange> Ranges => _ranges;

    /// <summary>Goes over the whole segment.</summary>
    /// <param name="segment">A segment that ended.</param>
    /// <param name="all">Whether all of it goes: then its facts are gathered, and no ranges.</param>
    /// <param name="pace">Told how many bytes were read.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask ScanAsync(Segment segment, bool all, Func<long, CancellationToken, ValueTask> pace,
        CancellationToken cancellationToken)
    {
        const long PaceBytes = 1 << 20;
        _isTakingAll = all;
        SegmentScanner scanner = new(segment.File, segment.First, segment.Used);
        long told = 0;
        while (true)
        {
            long offset = scanner.Offset;
            ScanStep step = scanner.Next(out RecordHeader header, out ReadOnlyMemory<byte> body, out _);
            if (step == ScanStep.Record)
            {
                Take(header, body, segment.First, offset, scanner.Offset);
            }
            else
            {
                End();
                if (offset >= segment.Used || !scanner.TryFindNext(out _))
                {
                    break;
                }
            }

            if (scanner.Offset - told >= PaceBytes)
            {
                await pace(scanner.Offset - told, cancellationToken);
                told = scanner.Offset;
            }
        }
    }

    private void Take(in RecordHeader header, ReadOnlyMemory<byte> body, long first, long offset, long end)
    {
        LaneId? lane = LaneOf(header.Kind, body);
        if (_isTakingAll)
        {
            facts.Add(header.Kind, body, lane, first + offset);
            return;
        }

        if (!IsDead(header.Kind, body, lane))
        {
            End();
            return;
        }

        // The record that says how long the hole is must lie in one sector, so that it is written whole or not at all.
        if (_start < 0 && offset / SectorBytes != (offset + HoleBytes - 1) / SectorBytes)
        {
            return;
        }

        _start = _start < 0 ? offset : _start;
        (_end, _group) = (end, header.Group);
        if (header.Kind != RecordKind.Hole)
        {
            _isNew = true;
            _pending.Add((header.Kind, body.ToArray(), lane, first + offset));
            Settle();
        }
    }

    /// <summary>Bytes of the record that says how long a hole is.</summary>
    public static readonly int HoleBytes = RecordHeader.PaddedLength(sizeof(uint));

    // Facts count only when their range is long enough to go; then they need not wait any longer.
    private void Settle()
    {
        if (_end - _start >= LeastBytes)
        {
            foreach ((RecordKind kind, byte[] body, LaneId? lane, long position) in _pending)
            {
                facts.Add(kind, body, lane, position);
            }

            _pending.Clear();
        }
    }

    private void End()
    {
        if (_isNew && _start >= 0 && _end - _start >= LeastBytes)
        {
            Settle();
            _ranges.Add(new DeadRange(_start, _end - _start, _group));
        }

        _pending.Clear();
        _isNew = false;
        _start = -1;
    }

    private bool IsDead(RecordKind kind, ReadOnlyMemory<byte> body, LaneId? id) => kind switch
    {
        RecordKind.LaneEntry or RecordKind.LaneRepaired => id is { } of && _lanes.TryGetValue(of, out LaneState? lane)
            && RecordBodies.TryReadEntry(body, out _, out LaneEntry? entry) && entry!.Number.Value < lane.FirstEntry,
        RecordKind.LaneSkip or RecordKind.Joined or RecordKind.OriginSet or RecordKind.Hole
            or RecordKind.Bound => true,
        _ => false,
    };

    private LaneId? LaneOf(RecordKind kind, ReadOnlyMemory<byte> body)
    {
        int number = 0;
        bool names = kind switch
        {
            RecordKind.LaneDeclared => Declare(body),
            RecordKind.LaneEntry or RecordKind.LaneRepaired => RecordBodies.TryReadEntry(body, out number, out _),
            RecordKind.LaneSkip => RecordBodies.TryReadSkip(body, out number, out _, out _),
            RecordKind.LaneLost => MissingRun.TryRead(body, out number, out _),
            _ => false,
        };
        return names && _declared.TryGetValue(number, out LaneId lane) ? lane : null;
    }

    private bool Declare(ReadOnlyMemory<byte> body)
    {
        if (RecordBodies.TryReadDeclared(body, out int number, out LaneId lane))
        {
            _declared[number] = lane;
        }

        return false;
    }

    private static Dictionary<LaneId, LaneState> ById(SegmentLanes segment)
    {
        Dictionary<LaneId, LaneState> lanes = new(segment.Runs.Length);
        foreach (LaneRun run in segment.Runs)
        {
            lanes[run.Lane.Id] = run.Lane;
        }

        return lanes;
    }
}
