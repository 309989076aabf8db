using Streams.Core;

namespace Streams.Storage;

/// <summary>Applies the records of a log to the state, in order. Facts before <paramref name="appliedPosition"/> are in the state
/// already.</summary>
internal sealed class LogReplay(ContainerState state, long appliedPosition)
{
    private long _segment;

    public long Records { get; private set; }

    /// <summary>The rows of the segment being read.</summary>
    public SegmentIndex Index { get; } = new();

    public void Begin(Segment segment)
    {
        _segment = segment.First;
        state.Segments.Begin(segment.First);
        Index.Clear();
    }

    /// <summary>Whether the state holds all that stands before a position.</summary>
    public bool IsApplied(long position) => appliedPosition >= position;

    /// <summary>Puts an entry into its lane's index, its facts being in the state already.</summary>
    public string? ApplyPlace(int lane, EntryNumber number, int events, long appendedAt, in EntryPlace place)
    {
        if (state.Lanes.Find(lane) is not { } found || number.Value < found.NextEntry)
        {
            return $"entry {number} of lane {lane} has no place";
        }

        state.ApplyPlace(found, number.Value, place.BaseOffset + events, events, appendedAt, place);
        return null;
    }

    /// <summary>Applies a record whose checksum was good; what is wrong with it, if something is.</summary>
    public string? Apply(in RecordHeader header, ReadOnlyMemory<byte> body, long position)
    {
        Records++;
        bool isNew = position >= appliedPosition;
        if (header.Kind is RecordKind.LaneDeclared or RecordKind.LaneSkip or RecordKind.PartitionletSealed)
        {
            Index.Add(header.Kind, body.Span);
        }

        switch (header.Kind)
        {
            case RecordKind.LaneDeclared when RecordBodies.TryReadDeclared(body, out int number, out LaneId id):
                state.Declare(number, id).DeclaredIn = _segment;
                return null;
            case RecordKind.LaneEntry when RecordBodies.TryReadEntry(body, out int lane, out LaneEntry? entry):
                return ApplyEntry(state.Lanes.Find(lane), entry!, position, header.BodyLength, isNew);
            case RecordKind.LaneSkip when RecordBodies.TryReadSkip(body, out int lane, out EntryNumber first, out Offset offset):
                return OnLane(state.Lanes.Find(lane), l => state.ApplySkip(l, first, offset));
            case RecordKind.PartitionletSealed when RecordBodies.TryReadSealed(body, out int lane, out SealedRun run):
                return OnLane(state.Lanes.Find(lane), l => l.SealRun(run));
            case RecordKind.Joined when RecordBodies.TryReadItem(body, out StateItem item):
                _ = isNew && state.ApplyItem(item);
                return null;
            case RecordKind.OriginSet when RecordBodies.TryReadOrigin(body, out Origin origin):
                state.ApplyOwnOrigin(origin);
                return null;
            case RecordKind.Hole:
                return null;
            default:
                return $"a record of kind {header.Kind} is malformed";
        }
    }

    private string? ApplyEntry(LaneState? lane, LaneEntry entry, long position, int bodyLength, bool isNew)
    {
        if (lane is null)
        {
            return "an entry of a lane whose declaration is lost";
        }

        if (entry.Number.Value < lane.NextEntry)
        {
            return $"{lane.Id}: entry {entry.Number} stands where entry {lane.NextEntry} belongs";
        }

        BatchHeader batch = default;
        if (isNew && entry.Kind == EntryKind.Events && !BatchHeader.TryRead(entry.Body.Span, out batch, out string? fault))
        {
            return fault;
        }

        EntryPlace place = new(position, bodyLength, Crc32C.Compute(entry.Body.Span), entry.BaseOffset.Value);
        state.ApplyPlace(lane, entry, place);
        Index.Add(lane.Number, entry, place, _segment);
        if (isNew)
        {
            state.ApplyFacts(lane.Id, entry, batch);
        }

        return null;
    }

    private static string? OnLane(LaneState? lane, Action<LaneState> apply)
    {
        if (lane is null)
        {
            return "a record of a lane whose declaration is lost";
        }

        apply(lane);
        return null;
    }
}
