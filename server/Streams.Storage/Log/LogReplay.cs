using System.Buffers;
using Streams.Core;

namespace Streams.Storage;

/// <summary>Applies the records of a log to the state, in order. Facts before <paramref name="appliedPosition"/> are in the state
/// already.</summary>
internal sealed class LogReplay(ContainerState state, long appliedPosition)
{
    private long _segment;

    public long Records { get; private set; }

    public ContainerState State => state;

    public void Begin(Segment segment)
    {
        _segment = segment.First;
        state.Segments.Begin(segment.First);
    }

    /// <summary>Whether the state holds all that stands before a position.</summary>
    public bool IsApplied(long position) => appliedPosition >= position;

    /// <summary>Takes what an index says of its segment, whose facts are in the state already; the first fault, if there is one: then
    /// the state is of no use.</summary>
    public string? Apply(SegmentIndex index, byte[] directory) => IndexDirectory.Walk(directory,
        (number, shape) =>
        {
            if (state.Lanes.Find(number) is not { } lane || shape.FirstEntry < lane.NextEntry)
            {
                return $"entry {shape.FirstEntry} of lane {number} has no place";
            }

            state.ApplyPart(lane, index, shape);
            return null;
        },
        (kind, body) => ApplyToLane(kind, body) ? null : $"a record of kind {kind} is malformed");

    /// <summary>Applies a record whose checksum was good; what is wrong with it, if something is.</summary>
    public string? Apply(in RecordHeader header, ReadOnlyMemory<byte> body, long position)
    {
        Records++;
        bool isNew = position >= appliedPosition;
        if (header.Kind is RecordKind.LaneDeclared or RecordKind.LaneSkip or RecordKind.PartitionletSealed)
        {
            state.Contents.Add(header.Kind, body.Span);
            return ApplyToLane(header.Kind, body) ? null
                : $"a record of kind {header.Kind} is malformed, or its lane's declaration is lost";
        }

        if (header.Kind == RecordKind.LaneLost)
        {
            // The part that the run may begin stands before it in the index.
            bool isApplied = ApplyToLane(header.Kind, body);
            state.Contents.Add(header.Kind, body.Span);
            return isApplied ? null : $"a record of kind {header.Kind} is malformed, or its lane's declaration is lost";
        }

        switch (header.Kind)
        {
            case RecordKind.LaneEntry when RecordBodies.TryReadEntry(body, out int lane, out LaneEntry? entry):
                return ApplyEntry(state.Lanes.Find(lane), entry!, position, header.BodyLength, isNew);
            case RecordKind.LaneRepaired when RecordBodies.TryReadEntry(body, out int lane, out LaneEntry? entry)
                && state.Lanes.Find(lane) is { } found:
                return ApplyRepair(found, entry!, position, header.BodyLength, isNew);
            case RecordKind.Joined when RecordBodies.TryReadItem(body, out StateItem item):
                _ = isNew && state.ApplyItem(item, position);
                return null;
            case RecordKind.OriginSet when RecordBodies.TryReadOrigin(body, out Origin origin):
                state.ApplyOwnOrigin(origin);
                return null;
            case RecordKind.Hole or RecordKind.Bound:
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

        EventBatch? batch = null;
        if (entry.Kind == EntryKind.Events && !EventBatch.TryParse(entry.Body, out batch, out string? fault))
        {
            return fault;
        }

        EntryPlace place = new(position, bodyLength, Crc32C.Compute(entry.Body.Span), entry.BaseOffset.Value);
        if (isNew)
        {
            state.ApplyFacts(lane.Id, entry, batch?.Header ?? default);
        }

        BatchTopics? topics = batch is null ? null : BatchTopics.Of(batch);
        topics?.Rows.Fill(-1);
        state.ApplyPlace(lane, entry, place, topics);
        _ = isNew && state.ApplyRetained(lane.Id, entry, topics, position);
        return null;
    }

    private string? ApplyRepair(LaneState lane, LaneEntry entry, long position, int bodyLength, bool isNew)
    {
        EventBatch? batch = null;
        if (isNew && entry.Kind == EntryKind.Events && !EventBatch.TryParse(entry.Body, out batch, out string? fault))
        {
            return fault;
        }

        EntryPlace place = new(position, bodyLength, Crc32C.Compute(entry.Body.Span), entry.BaseOffset.Value);
        ArrayBufferWriter<byte> row = new();
        RecordBodies.WritePlace(row, lane.Number, entry.Number.Value, place);
        state.Contents.Add(RecordKind.LaneRepaired, row.WrittenSpan);
        state.ApplyRepair(lane, entry.Number.Value, place);
        if (isNew)
        {
            BatchTopics? topics = batch is null ? null : BatchTopics.Of(batch);
            topics?.Rows.Fill(-1);
            state.ApplyFacts(lane.Id, entry, batch?.Header ?? default);
            state.ApplyRetained(lane.Id, entry, topics, position);
        }

        return null;
    }

    private bool ApplyToLane(RecordKind kind, ReadOnlyMemory<byte> body)
    {
        switch (kind)
        {
            case RecordKind.LaneDeclared when RecordBodies.TryReadDeclared(body, out int number, out LaneId id):
                state.Declare(number, id).DeclaredIn = _segment;
                return true;
            case RecordKind.LaneSkip when RecordBodies.TryReadSkip(body, out int number, out EntryNumber first, out Offset offset)
                && state.Lanes.Find(number) is { } lane:
                state.ApplySkip(lane, first, offset, first.Value > lane.FirstEntry ? lane.BytesBefore(first.Value) : 0);
                return true;
            case RecordKind.LaneRepaired when RecordBodies.TryReadPlace(body, out int number, out long entry, out EntryPlace place)
                && state.Lanes.Find(number) is { } lane:
                state.ApplyRepair(lane, entry, place);
                return true;
            case RecordKind.LaneLost when MissingRun.TryRead(body, out int number, out MissingRun run)
                && state.Lanes.Find(number) is { } lane:
                state.ApplyMissing(lane, run);
                return true;
            case RecordKind.PartitionletSealed when RecordBodies.TryReadSealed(body, out int number, out SealedRun run)
                && state.Lanes.Find(number) is { } lane:
                lane.SealRun(run);
                return true;
            default:
                return false;
        }
    }
}
