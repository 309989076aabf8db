using System.Buffers;
using Streams.Core;

namespace Streams.Storage;

/// <summary>The bodies of <see cref="StateItem"/>s (rule R16): made and read here only.</summary>
internal static class StateItems
{
    // A piece is one record of the receiver's log and one frame of a link.
    private const int PieceBytes = 128 << 10;

    public static StateItem Of(StreamPartition partition, ConsumerName consumer, Cursor cursor) =>
        Make(StateKind.Cursor, partition, (ref ByteWriter writer) =>
        {
            writer.Text(consumer.Value);
            cursor.Write(ref writer);
        });

    public static bool TryReadCursor(in StateItem item, out ConsumerName consumer, out Cursor cursor)
    {
        ByteReader reader = new(item.Body);
        consumer = reader.Consumer();
        cursor = Cursor.Read(ref reader);
        return reader.AtEnd;
    }

    public static StateItem Of(StreamPath stream, RegisterFact fact) =>
        new(StateKind.Register, new StreamPartition(stream, default), RegisterFacts.Write([fact]));

    public static StateItem Of(Origin origin) => Make(StateKind.Opened, default, (ref ByteWriter writer) => writer.Origin(origin));

    public static bool TryReadOpened(in StateItem item, out Origin origin) => RecordBodies.TryReadOrigin(item.Body, out origin);

    public static StateItem Of(StreamPartition partition, HeldRun held) => Make(StateKind.Held, partition, (ref ByteWriter writer) =>
    {
        writer.Run(held.Run);
        writer.Origin(held.Origin);
        writer.Offset(held.FirstOffset);
    });

    public static bool TryReadHeld(in StateItem item, out HeldRun held)
    {
        ByteReader reader = new(item.Body);
        held = new HeldRun(reader.Run(), reader.Origin(), reader.Offset());
        return reader.AtEnd;
    }

    /// <summary>Topics in pieces.</summary>
    public static IEnumerable<StateItem> Of(StreamPath stream, IEnumerable<TopicFact> facts)
    {
        foreach (List<TopicFact> piece in Pieces(facts))
        {
            yield return new StateItem(StateKind.Topics, new StreamPartition(stream, default), TopicFacts.Write(piece));
        }
    }

    /// <summary>Topics in lists that each make a body of bounded size.</summary>
    public static IEnumerable<List<TopicFact>> Pieces(IEnumerable<TopicFact> facts)
    {
        const int OtherBytes = 64;                    // of a fact: lengths, timestamp, cluster
        List<TopicFact> piece = [];
        int bytes = 0;
        foreach (TopicFact fact in facts)
        {
            piece.Add(fact);
            bytes += fact.Topic.Value.Length * 3 + OtherBytes;
            if (bytes >= PieceBytes)
            {
                yield return piece;
                piece = [];
                bytes = 0;
            }
        }

        if (piece.Count > 0)
        {
            yield return piece;
        }
    }

    /// <summary>Whether the body is what the kind says.</summary>
    public static bool IsValid(in StateItem item) => item.Kind switch
    {
        StateKind.Cursor => TryReadCursor(item, out _, out _),
        StateKind.Register => RegisterFacts.TryRead(item.Body, out _),
        StateKind.Topics => TopicFacts.TryRead(item.Body, out _),
        StateKind.Opened => TryReadOpened(item, out _),
        StateKind.Held => TryReadHeld(item, out HeldRun held) && held.Run.First >= 1,
        StateKind.Retained => RetainedItem.TryRead(item, 0, out _),
        _ => false,
    };

    private delegate void WriteBody(ref ByteWriter writer);

    private static StateItem Make(StateKind kind, StreamPartition partition, WriteBody write)
    {
        ArrayBufferWriter<byte> output = new();
        ByteWriter writer = new(output);
        write(ref writer);
        return new StateItem(kind, partition, output.WrittenMemory);
    }
}
