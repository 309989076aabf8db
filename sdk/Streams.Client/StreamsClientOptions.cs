using Streams.Core;

namespace Streams.Client;

/// <summary>How a device keeps and sends its events. Validated when the client opens: all faults are reported together.</summary>
public sealed record StreamsClientOptions : ClusterOptions
{
    /// <summary>The SQLite file that holds the outbox and what consumers have been given. Created when missing. One process at a time.
    /// Required.</summary>
    public required string OutboxPath { get; init; }

    /// <summary>Most bytes that the outbox's files (database, journal, index of the journal) may take on disk; before they take more,
    /// <see cref="StreamsClient.PublishAsync"/> waits. Default 256 MiB; at least 1 MiB. Only an event so great that it goes alone, or the
    /// bookkeeping of a full outbox, may take up to 4 MiB beyond. A file that is greater when it is opened does not grow, and is not
    /// shrunk.</summary>
    public long OutboxBytes { get; init; } = 256L << 20;

    /// <summary>Seals payload, key and headers of events while they wait in the outbox; <see langword="null"/> (the default): they stand
    /// there plainly. What waits already stays as it is. To take it away again, the outbox must have been emptied before.</summary>
    public OutboxEncryption? OutboxEncryption { get; init; }

    /// <summary>What is done with which events when the outbox is full or they have waited for too long: the first rule that matches an
    /// event's topic counts; an event that none matches waits for room and is never dropped (<see cref="OutboxPolicy.Block"/>). At most
    /// 64. Whatever is dropped leaves an event in the stream that tells (<see cref="ReceivedEvent.Gap"/>).</summary>
    public IReadOnlyList<OutboxRule> OutboxRules { get; init; } = [];

    /// <summary>Classes of events that go before the others, the most urgent first, each with an outbox of its own. At most 7. Default
    /// none.</summary>
    public IReadOnlyList<PriorityClass> Classes { get; init; } = [];

    /// <summary>In which order a backlog goes of the events that no class claims.</summary>
    public DrainOrder Drain { get; init; }

    /// <summary>Longest that an event published as <see cref="PublishDurability.Buffered"/> is not on stable storage. Default 1 s; 10 ms to
    /// 1 h. No publish of the other kind waits for it: each flushes all before it.</summary>
    public TimeSpan FlushWithin { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a consumer waits for an earlier event of the same producer that stands in a lane not here yet (the design's
    /// patience).
    /// Default 30 s. After it the order is given up for that event, counted and marked.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Most events that one consumer holds back. Default 10,000; at least 1.</summary>
    public int HoldBackEvents { get; init; } = 10_000;

    /// <summary>Bytes of deliveries that a consumer may have received and not yet handed out. Default 4 MiB; at least 64 KiB.</summary>
    public int ReceiveBytes { get; init; } = 4 << 20;

    /// <summary>All that is wrong with these options, one text each; empty when nothing is.</summary>
    public IReadOnlyList<string> FindFaults() => OptionsCheck.Faults(this);
}
