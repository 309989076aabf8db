using System.Buffers;

namespace Streams.Core;

/// <summary>A value under a name, last writer wins by hybrid logical clock: stream settings, MQTT sessions (invariant 4).</summary>
/// <param name="Key">Name of the register within its stream, 1 to 512 bytes; the first level tells whose it is: <c>settings</c>,
/// <c>session/…</c>.</param>
/// <param name="At">When it was written.</param>
/// <param name="Value">The value; empty means removed.</param>
public readonly record struct RegisterFact(string Key, HybridTimestamp At, ReadOnlyMemory<byte> Value)
{
    /// <summary>Longest key in bytes: it is indexed.</summary>
    public const int MaxKeyBytes = 512;

    /// <summary>Longest value in bytes: registers are sent whole at every link start.</summary>
    public const int MaxValueBytes = 64 << 10;

    /// <summary>Of two facts of one register the later one; of two settings of a stream with the greater number of partitions of both
    /// (invariant 4). One of the two itself where that is the same.</summary>
    public static RegisterFact Join(RegisterFact kept, RegisterFact fact)
    {
        bool isLater = Compare(fact, kept) > 0;
        RegisterFact winner = isLater ? fact : kept;
        if (fact.Key != StreamSettings.RegisterKey || !StreamSettings.TryRead(fact.Value, out StreamSettings? a)
            || !StreamSettings.TryRead(kept.Value, out StreamSettings? b))
        {
            return winner;
        }

        byte[] value = (isLater ? StreamSettings.Join(a!, b!) : StreamSettings.Join(b!, a!)).Write();
        return value.AsSpan().SequenceEqual(winner.Value.Span) ? winner : winner with { Value = value };
    }

    // Two facts of one moment can only be the same fact, unless a clock was copied; the bytes then decide, the same way everywhere.
    private static int Compare(in RegisterFact a, in RegisterFact b)
    {
        int byTime = a.At.CompareTo(b.At);
        return byTime != 0 ? byTime : a.Value.Span.SequenceCompareTo(b.Value.Span);
    }
}

/// <summary>Some registers of a stream.</summary>
/// <param name="Facts">The registers; none when there are no more.</param>
/// <param name="Next">Where the next page begins.</param>
public readonly record struct RegisterPage(IReadOnlyList<RegisterFact> Facts, int Next);

/// <summary>The body of an entry of kind <see cref="EntryKind.Registers"/>.</summary>
public static class RegisterFacts
{
    /// <summary>Most facts in one entry.</summary>
    public const int MaxCount = 1024;

    /// <summary>Writes the body.</summary>
    public static byte[] Write(IReadOnlyList<RegisterFact> facts)
    {
        ArrayBufferWriter<byte> output = new();
        ByteWriter writer = new(output);
        writer.Varint((ulong)facts.Count);
        foreach (RegisterFact fact in facts)
        {
            writer.Text(fact.Key);
            writer.Hybrid(fact.At);
            writer.Block(fact.Value.Span);
        }

        return output.WrittenSpan.ToArray();
    }

    /// <summary>Reads the body; false when it is malformed. Values are slices of it.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> body, out List<RegisterFact> facts)
    {
        ByteReader reader = new(body);
        int count = (int)reader.Varint(MaxCount);
        facts = [];
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            facts.Add(new RegisterFact(reader.Text(RegisterFact.MaxKeyBytes), reader.Hybrid(), reader.Block(RegisterFact.MaxValueBytes)));
        }

        return reader.AtEnd;
    }
}
