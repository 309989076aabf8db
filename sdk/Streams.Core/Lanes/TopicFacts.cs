using System.Buffers;

namespace Streams.Core;

/// <summary>A topic exists since a moment. Facts of one topic join to the earliest, so any order and repetition converges (invariant
/// 4).</summary>
/// <param name="Topic">The topic, within the stream of the lane.</param>
/// <param name="CreatedAt">When its first event was appended.</param>
public readonly record struct TopicFact(TopicName Topic, HybridTimestamp CreatedAt);

/// <summary>The body of an entry of kind <see cref="EntryKind.Topics"/>.</summary>
public static class TopicFacts
{
    /// <summary>Most facts in one entry: the topics of one batch.</summary>
    public const int MaxCount = EventLimits.MaxEvents;

    /// <summary>Writes the body.</summary>
    public static byte[] Write(IReadOnlyList<TopicFact> facts)
    {
        ArrayBufferWriter<byte> output = new();
        ByteWriter writer = new(output);
        writer.Varint((ulong)facts.Count);
        foreach (TopicFact fact in facts)
        {
            writer.Text(fact.Topic.Value);
            writer.Hybrid(fact.CreatedAt);
        }

        return output.WrittenSpan.ToArray();
    }

    /// <summary>Reads the body; false when it is malformed.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> body, out List<TopicFact> facts)
    {
        ByteReader reader = new(body);
        int count = (int)reader.Varint(MaxCount);
        facts = [];
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            facts.Add(new TopicFact(reader.Topic(), reader.Hybrid()));
        }

        return reader.AtEnd;
    }
}
