using System.Buffers;
using Streams.Core;

namespace Streams.Storage;

/// <summary>What one segment holds of lanes, gathered while it is written or read: in order, what its index file will say, and the
/// mentions of topics.</summary>
internal sealed class SegmentContents(bool keepsItems)
{
    private readonly ArrayBufferWriter<byte> _body = new(64);
    private readonly List<Item> _items = [];

    /// <summary>A declaration, skip or seal, with its body; or a part of a lane.</summary>
    internal readonly record struct Item(RecordKind Kind, LaneState? Lane, MemoryPart? Part, byte[] Body);

    public IReadOnlyList<Item> Items => _items;

    public TopicMentions Mentions { get; } = new();

    /// <summary>Whether an index file will be made of it; else parts stay in memory, and are cut as lanes are.</summary>
    public bool KeepsItems => keepsItems;

    /// <summary>A part of a lane begins.</summary>
    public void Begins(LaneState lane, MemoryPart part) => Add(new Item(RecordKind.LaneEntry, lane, part, []));

    /// <summary>Another record, whose body says it all.</summary>
    public void Add(RecordKind kind, ReadOnlySpan<byte> body)
    {
        if (keepsItems)
        {
            Add(new Item(kind, null, null, body.ToArray()));
        }
    }

    /// <summary>A record that was just published, unless it is an entry.</summary>
    public void Add(in StagedRecord record)
    {
        if (!keepsItems)
        {
            return;
        }

        _body.ResetWrittenCount();
        switch (record.Kind)
        {
            case RecordKind.LaneDeclared:
                RecordBodies.WriteDeclared(_body, record.Lane!.Number, record.Lane.Id);
                break;
            case RecordKind.LaneRepaired:
                RecordBodies.WritePlace(_body, record.Lane!.Number, ((LaneEntry)record.Content!).Number.Value, record.Place);
                break;
            case RecordKind.LaneLost:
                ((MissingRun)record.Content!).Write(_body, record.Lane!.Number);
                break;
            case RecordKind.LaneSkip:
                (EntryNumber first, Offset offset, _) = ((EntryNumber, Offset, long))record.Content!;
                RecordBodies.WriteSkip(_body, record.Lane!.Number, first, offset);
                break;
            case RecordKind.PartitionletSealed:
                RecordBodies.WriteSealed(_body, record.Lane!.Number, (SealedRun)record.Content!);
                break;
            default:
                return;
        }

        Add(record.Kind, _body.WrittenSpan);
    }

    private void Add(in Item item)
    {
        if (keepsItems)
        {
            _items.Add(item);
        }
    }
}
