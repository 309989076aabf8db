using Streams.Core;

namespace Streams.Storage;

/// <summary>Reads the records of a log one after the other for people, of a closed container or of one that a live server writes; steps
/// over what is damaged.</summary>
public static class LogDump
{
    /// <summary>The names of the segments of a container.</summary>
    /// <exception cref="StorageFailedException">The folder cannot be read.</exception>
    public static IReadOnlyList<string> Segments(string folder) => [.. SegmentFiles.List(folder).Select(static s => s.Name)];

    /// <summary>The records wanted, in order, read while they are taken. Damage is among them.</summary>
    /// <exception cref="StorageFailedException">The folder cannot be read.</exception>
    public static IEnumerable<DumpedRecord> Read(string folder, DumpFilter filter)
    {
        List<SegmentFile> segments = SegmentFiles.List(folder);
        for (int i = 0; i < segments.Count; i++)
        {
            SegmentFile segment = segments[i];
            long? next = i + 1 < segments.Count ? segments[i + 1].First : null;
            if ((filter.Segment is { } wanted && segment.Name != wanted) || next <= filter.From)
            {
                continue;
            }

            foreach (DumpedRecord record in Read(segment, next, filter))
            {
                yield return record;
            }
        }
    }

    private static IEnumerable<DumpedRecord> Read(SegmentFile segment, long? next, DumpFilter filter)
    {
        if (!TryOpen(segment, out ILogFile? opened, out string? fault) || fault is not null)
        {
            yield return Damage(segment, 0, "damaged", segment.Bytes, fault!);
        }

        if (opened is null)
        {
            yield break;
        }

        using ILogFile file = opened;
        Dictionary<int, string> lanes = [];
        SegmentWalker walker = new(file, segment.First, Math.Min(segment.Bytes, next - segment.First ?? segment.Bytes), next is null);
        for (WalkStep step = walker.Next(); step != WalkStep.End; step = walker.Next())
        {
            DumpedRecord record = step switch
            {
                WalkStep.Record => Describe(segment, walker, lanes),
                WalkStep.TornTail => Damage(segment, walker.Offset, "tail", walker.Bytes, "a write that nobody was told of"),
                _ => Damage(segment, walker.Offset, "damaged", walker.Bytes, walker.Reason),
            };
            if (IsWanted(record, filter))
            {
                yield return record;
            }
        }
    }

    // Damage is always shown: nobody knows whose it was.
    private static bool IsWanted(DumpedRecord record, DumpFilter filter) => record.Position >= filter.From
        && (filter.Lane is null || record.Kind is "damaged" or "tail" || record.Lane.Contains(filter.Lane, StringComparison.Ordinal));

    private static bool TryOpen(SegmentFile segment, out ILogFile? file, out string? fault)
    {
        try
        {
            file = SegmentFiles.Open(segment.Path);
            fault = SegmentFiles.HeaderFault(file, segment.First, out _);
            return true;
        }
        catch (StorageFailedException cause)
        {
            file = null;
            fault = cause.Message;
            return false;
        }
    }

    private static DumpedRecord Damage(SegmentFile segment, long offset, string kind, long bytes, string reason) =>
        new(segment.Name, segment.First + offset, kind, string.Empty,
            new RecordFields().Add("fileOffset", offset).Add("bytes", bytes).Add("reason", reason).All);

    private static DumpedRecord Describe(SegmentFile segment, SegmentWalker walker, Dictionary<int, string> lanes)
    {
        RecordFields fields = new();
        (string kind, int lane) = Describe(walker.Header.Kind, walker.Body, fields, lanes);
        string name = lane == 0 ? string.Empty : lanes.GetValueOrDefault(lane, $"lane {lane}, not declared");
        fields.Add("group", (long)walker.Header.Group);
        return new DumpedRecord(segment.Name, segment.First + walker.Offset, kind, name, fields.All);
    }

    private static (string Kind, int Lane) Describe(RecordKind kind, ReadOnlyMemory<byte> body, RecordFields fields,
        Dictionary<int, string> lanes)
    {
        switch (kind)
        {
            case RecordKind.LaneDeclared when RecordBodies.TryReadDeclared(body, out int number, out LaneId id):
                lanes[number] = id.ToString();
                fields.Add("number", (long)number);
                return ("declared", number);
            case RecordKind.LaneEntry when RecordBodies.TryReadEntry(body, out int number, out LaneEntry? entry):
                fields.AddEntry(entry!);
                return (entry!.Kind.ToString().ToLowerInvariant(), number);
            case RecordKind.LaneSkip when RecordBodies.TryReadSkip(body, out int number, out EntryNumber first, out Offset offset):
                fields.Add("entry", first.Value).Add("offset", offset.Value);
                return ("skip", number);
            case RecordKind.LaneLost when MissingRun.TryRead(body, out int number, out MissingRun run):
                fields.Add("entry", run.First).Add("nextEntry", run.Next).Add("nextOffset", run.NextOffset)
                    .Add("declared", run.IsLost ? 1 : 0);
                return ("lost", number);
            case RecordKind.PartitionletSealed when RecordBodies.TryReadSealed(body, out int number, out SealedRun run):
                fields.Add("firstEntry", run.FirstEntry).Add("firstOffset", run.FirstOffset).Add("entry", run.NextEntry)
                    .Add("offset", run.NextOffset).Add("bytes", run.Bytes);
                return ("sealed", number);
            case RecordKind.Joined when RecordBodies.TryReadItem(body, out StateItem item):
                fields.AddItem(item);
                return ("joined", 0);
            case RecordKind.OriginSet when RecordBodies.TryReadOrigin(body, out Origin origin):
                fields.Add("origin", origin.ToString());
                return ("origin", 0);
            case RecordKind.LaneRepaired when RecordBodies.TryReadEntry(body, out int number, out LaneEntry? entry):
                fields.AddEntry(entry!);
                return ("repaired", number);
            case RecordKind.Bound when RecordBodies.TryReadBound(body, out long bytes):
                fields.Add("bytes", bytes);
                return ("bound", 0);
            case RecordKind.Hole when RecordBodies.TryReadHole(body, out long bytes):
                fields.Add("bytes", bytes);
                return ("hole", 0);
            default:
                fields.Add("fault", $"a record of kind {kind} is malformed").Add("bytes", body.Length);
                return (kind.ToString().ToLowerInvariant(), 0);
        }
    }
}
