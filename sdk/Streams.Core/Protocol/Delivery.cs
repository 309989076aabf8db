using System.Buffers;

namespace Streams.Core;

/// <summary>What a delivery tells.</summary>
public enum DeliveryKind : byte
{
    /// <summary>Events of one batch.</summary>
    Events = 1,

    /// <summary>A stretch of a lane with nothing for this subscription: other topics, other entries, twins skipped (rule R10).</summary>
    Advance = 2,

    /// <summary>A stretch that retention has taken: counted, never silent.</summary>
    Gap = 3,

    /// <summary>Nothing more of this lane can arrive: waiting for it ends (rules R15, R19c). Sent behind all that is here of it.</summary>
    Released = 4,

    /// <summary>The cursor was rewound elsewhere: begin again from <see cref="Delivery.Cursor"/> (rule R11).</summary>
    Rewound = 5,
}

/// <summary>One delivery to an SDK session (rule R19a): ungated, one lane after the other as it comes; the SDK holds back what has to
/// wait.</summary>
public sealed class Delivery
{
    /// <summary>The subscription.</summary>
    public required uint Subscription { get; init; }

    /// <summary>What it tells.</summary>
    public required DeliveryKind Kind { get; init; }

    /// <summary>The partition.</summary>
    public required PartitionId Partition { get; init; }

    /// <summary>The lane.</summary>
    public Origin Origin { get; init; }

    /// <summary>First offset covered.</summary>
    public Offset From { get; init; }

    /// <summary>Offset behind the last one covered.</summary>
    public Offset To { get; init; }

    /// <summary>What must be passed first, without lanes that no route brings here.</summary>
    public AfterVector After { get; init; } = AfterVector.Empty;

    /// <summary>The sequences covered, events that do not match the subscription included, or the SDK's ranges would not merge (rule
    /// R17).</summary>
    public IReadOnlyList<SequenceRun> Covered { get; init; } = [];

    /// <summary>Offset of the event that has index 0 in the batch as it is stored.</summary>
    public Offset BatchOffset { get; init; }

    /// <summary>For each event of <see cref="Batch"/> its index in the batch as it is stored; empty when the batch is whole.</summary>
    public IReadOnlyList<int> Indexes { get; init; } = [];

    /// <summary>The batch as stored, or one with only the events meant. Its head names the stored batch's producer, epoch and first
    /// sequence:
    /// an event's sequence is that plus its index, its offset <see cref="BatchOffset"/> plus its index.</summary>
    public ReadOnlyMemory<byte> Batch { get; init; }

    /// <summary>Where to begin again.</summary>
    public Cursor Cursor { get; init; } = Cursor.Start;

    /// <summary>Index in the stored batch of the <paramref name="nth"/> event delivered.</summary>
    public int IndexOf(int nth) => Indexes.Count == 0 ? nth : Indexes[nth];

    /// <summary>Writes the delivery.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        ByteWriter writer = new(output);
        writer.UInt32(Subscription);
        writer.Byte((byte)Kind);
        writer.Partition(Partition);
        if (Kind == DeliveryKind.Rewound)
        {
            Cursor.Write(ref writer);
            return;
        }

        writer.Origin(Origin);
        writer.Offset(From);
        writer.Offset(To);
        After.Write(ref writer);
        writer.Varint((ulong)Covered.Count);
        foreach (SequenceRun run in Covered)
        {
            writer.Run(run);
        }

        writer.Offset(BatchOffset);
        writer.Varint((ulong)Indexes.Count);
        int before = -1;
        foreach (int index in Indexes)
        {
            writer.Varint((ulong)(index - before));
            before = index;
        }

        writer.Bytes(Batch.Span);
    }

    /// <summary>Reads a delivery; <see langword="null"/> when it is malformed. <see cref="Batch"/> is a slice of the payload and not
    /// checked.</summary>
    public static Delivery? Read(ReadOnlyMemory<byte> payload)
    {
        ByteReader reader = new(payload);
        uint subscription = reader.UInt32();
        DeliveryKind kind = (DeliveryKind)reader.Byte();
        PartitionId partition = reader.Partition();
        if (kind is < DeliveryKind.Events or > DeliveryKind.Rewound)
        {
            return null;
        }

        if (kind == DeliveryKind.Rewound)
        {
            Cursor cursor = Cursor.Read(ref reader);
            return reader.AtEnd ? new Delivery { Subscription = subscription, Kind = kind, Partition = partition, Cursor = cursor } : null;
        }

        Delivery delivery = new()
        {
            Subscription = subscription,
            Kind = kind,
            Partition = partition,
            Origin = reader.Origin(),
            From = reader.Offset(),
            To = reader.Offset(),
            After = AfterVector.Read(ref reader),
            Covered = ReadRuns(ref reader),
            BatchOffset = reader.Offset(),
            Indexes = ReadIndexes(ref reader),
            Batch = reader.Rest(),
        };
        return reader.Failed || delivery.To < delivery.From || (kind == DeliveryKind.Events) == delivery.Batch.IsEmpty ? null : delivery;
    }

    private static List<SequenceRun> ReadRuns(ref ByteReader reader)
    {
        int count = (int)reader.Varint(EventLimits.MaxEvents);
        List<SequenceRun> runs = [];
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            runs.Add(reader.Run());
        }

        return runs;
    }

    private static List<int> ReadIndexes(ref ByteReader reader)
    {
        int count = (int)reader.Varint(EventLimits.MaxEvents);
        List<int> indexes = [];
        int before = -1;
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            before += (int)reader.Varint(EventLimits.MaxEvents);
            if (before is < 0 or >= EventLimits.MaxEvents)
            {
                reader.Fail();
            }

            indexes.Add(before);
        }

        return indexes;
    }
}
