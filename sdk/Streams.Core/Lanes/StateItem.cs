namespace Streams.Core;

/// <summary>What a <see cref="StateItem"/> holds.</summary>
public enum StateKind : byte
{
    /// <summary>A cursor: consumer name and cursor.</summary>
    Cursor = 1,

    /// <summary>A register: body of <see cref="RegisterFacts"/>.</summary>
    Register = 2,

    /// <summary>Topics: body of <see cref="TopicFacts"/>.</summary>
    Topics = 3,

    /// <summary>The latest incarnation known of a cluster name (rule R15): an origin.</summary>
    Opened = 4,

    /// <summary>What a producer had in entries that retention removed (rule R8): a <see cref="HeldRun"/>.</summary>
    Held = 5,

    /// <summary>The retained message of a topic whose event is not among the entries kept.</summary>
    Retained = 6,
}

/// <summary>A piece of joined state (rule R16): sent at every link start and before every gap, and passed on where it changed something.
/// Links carry it without looking inside; the store makes it and joins it.</summary>
/// <param name="Kind">What the body is.</param>
/// <param name="Partition">Where it belongs; for <see cref="StateKind.Opened"/> the default.</param>
/// <param name="Body">The bytes.</param>
public readonly record struct StateItem(StateKind Kind, StreamPartition Partition, ReadOnlyMemory<byte> Body)
{
    /// <summary>Most bytes of a body: an event of any size, with its topic, key and headers.</summary>
    public const int MaxBodyBytes = EventLimits.MaxPayloadBytes + (128 << 10);

    /// <summary>Writes the item.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.Byte((byte)Kind);
        if (Kind != StateKind.Opened)
        {
            writer.StreamPartition(Partition);
        }

        writer.Block(Body.Span);
    }

    /// <summary>Reads an item; the reader is failed when it is none.</summary>
    public static StateItem Read(ref ByteReader reader)
    {
        StateKind kind = (StateKind)reader.Byte();
        if (kind is < StateKind.Cursor or > StateKind.Retained)
        {
            reader.Fail();
        }

        StreamPartition partition = kind == StateKind.Opened || reader.Failed ? default : reader.StreamPartition();
        return new StateItem(kind, partition, reader.Block(MaxBodyBytes));
    }
}
