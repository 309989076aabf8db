using Streams.Core;

namespace Streams.Client;

/// <summary>One row of the tables <c>events</c> or <c>refused</c>, as it stands in the file: whether its bytes make sense is another
/// question (<see cref="Fault"/>).</summary>
/// <param name="Id">The row.</param>
/// <param name="Partition">The partition, or <see langword="null"/> when the row's partition is not in the file.</param>
/// <param name="Epoch">Epoch of its identity (rule R7).</param>
/// <param name="AtMicroseconds">When it happened, in microseconds since 1970.</param>
/// <param name="CountedBytes">What it counts against the outbox's cap.</param>
/// <param name="Topic">UTF-8 of the topic.</param>
/// <param name="Key">The key, or empty.</param>
/// <param name="Headers">Headers in stored form, or empty.</param>
/// <param name="Payload">The payload.</param>
/// <param name="Reason">Why it was refused; <see langword="null"/> when it waits.</param>
/// <param name="Check">Its checksum, or <see langword="null"/> when it has none (rows of format 1).</param>
/// <param name="Seal">The number of the key that its content is sealed under, or <see langword="null"/>.</param>
internal sealed record KeptEvent(long Id, StreamPartition? Partition, ulong Epoch, long AtMicroseconds, long CountedBytes, byte[] Topic,
    byte[] Key, byte[] Headers, byte[] Payload, string? Reason, long? Check, long? Seal = null)
{
    /// <summary>The content, when it was sealed and could be opened; else <see langword="null"/>.</summary>
    public PlainEvent? Opened { get; init; }

    /// <summary>The content: opened, or as it stands there.</summary>
    public PlainEvent Content => Opened ?? new PlainEvent(Topic, Key, Headers, Payload, AtMicroseconds);

    /// <summary>Whether nothing can be said of its content without its key.</summary>
    public bool IsEncrypted => Seal is not null && Opened is null;

    /// <summary>Its sequence in the partition.</summary>
    public long Sequence => OutboxDatabase.SequenceOf(Id);

    /// <summary>Number of its partition in the file.</summary>
    public long PartitionRow => Id >> OutboxDatabase.SequenceBits;

    /// <summary>How people name it: <c>/fleet#3:17</c>.</summary>
    public string Name => $"{Partition?.ToString() ?? $"(lost partition {PartitionRow})"}:{Sequence}";

    /// <summary>When it happened; the ends of the calendar when the number is out of it.</summary>
    public DateTimeOffset Timestamp => KeptTime.Of(AtMicroseconds);

    /// <summary>The headers; none when they cannot be read.</summary>
    public IReadOnlyList<EventHeader> HeaderList =>
        EventHeader.TryDecode(Content.Headers, out IReadOnlyList<EventHeader> list) ? list : [];

    /// <summary>Whether it is other than it was when it was stored.</summary>
    public bool IsDamaged => Check is { } check && check != (RowCheck.Of(Id, Epoch, AtMicroseconds, Topic, Key, Headers,
        Payload) ^ RowCheck.Seal(Seal));

    /// <summary>What keeps it from being sent; <see langword="null"/> when nothing does.</summary>
    public string? Fault => IsDamaged ? "its row does not match its checksum" : ContentFault;

    /// <summary>What keeps its content from being sent, as far as it can be read; <see langword="null"/> when nothing does.</summary>
    public string? ContentFault => IsEncrypted ? FaultOf(Topic, 0, ReadOnlyMemory<byte>.Empty, 0)
        : FaultOf(Topic, Content.Key.Length, Content.Headers, Content.Payload.Length);

    /// <summary>What keeps an event of these parts from being sent; <see langword="null"/> when nothing does.</summary>
    public static string? FaultOf(ReadOnlyMemory<byte> topic, long keyBytes, ReadOnlyMemory<byte> headers, long payloadBytes) =>
        topic.IsEmpty ? "it has no topic"
        : !TopicName.IsValid(topic.Span) ? $"its topic ({topic.Length} bytes) is no topic name"
        : keyBytes > EventLimits.MaxKeyBytes ? $"its key takes {keyBytes} bytes, at most {EventLimits.MaxKeyBytes} are allowed"
        : headers.Length > EventLimits.MaxHeaderBytes || !EventHeader.IsValid(headers) ? "its headers cannot be read"
        : payloadBytes > EventLimits.MaxPayloadBytes
            ? $"its payload takes {payloadBytes} bytes, at most {EventLimits.MaxPayloadBytes} are allowed"
        : null;
}

/// <summary>Times as the outbox keeps them.</summary>
internal static class KeptTime
{
    private static readonly long Least = (DateTimeOffset.MinValue - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
    private static readonly long Most = (DateTimeOffset.MaxValue - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    /// <summary>Whether the calendar has it.</summary>
    public static bool IsWithin(long microseconds) => microseconds >= Least && microseconds <= Most;

    /// <summary>The time of microseconds since 1970.</summary>
    public static DateTimeOffset Of(long microseconds) =>
        DateTimeOffset.UnixEpoch.AddTicks(Math.Clamp(microseconds, Least, Most) * TimeSpan.TicksPerMicrosecond);

    /// <summary>Microseconds since 1970.</summary>
    public static long From(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
}
