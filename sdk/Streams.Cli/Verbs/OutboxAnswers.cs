using Streams.Client;

namespace Streams.Cli;

/// <summary>Answer of <c>outbox inspect --json</c>.</summary>
internal sealed record InspectAnswer(string File, long Format, string? Producer, bool InUse, bool ClosedCleanly, long DatabaseBytes,
    long JournalBytes, long IndexBytes, long Events, long CountedBytes, DateTimeOffset? Oldest, IReadOnlyList<PartitionAnswer> Partitions,
    IReadOnlyList<TopicAnswer> Topics, int TopicCount, IReadOnlyList<RefusalAnswer> Refused, IReadOnlyList<OpeningAnswer> Openings,
    IReadOnlyList<ConsumerAnswer> Consumers, IReadOnlyList<EncryptedAnswer> Encrypted)
{
    /// <summary>The answer for a summary.</summary>
    public static InspectAnswer Of(OutboxSummary s) => new(s.Path, s.Format, s.Producer?.ToString(), s.IsInUse, s.WasClosedCleanly,
        s.Bytes.Database, s.Bytes.Journal, s.Bytes.Index, s.Events, s.CountedBytes, s.Oldest,
        [.. s.Partitions.Select(static p => new PartitionAnswer(p.Name, p.Next, p.Events, p.CountedBytes, p.First, p.Last, p.Oldest,
            p.Refused, p.Stand))],
        [.. s.Topics.Select(static t => new TopicAnswer(t.Stream, t.Topic, t.Events, t.CountedBytes, t.Oldest))], s.TopicCount,
        [.. s.Refused.Select(static r => new RefusalAnswer(r.Reason, r.Events, r.CountedBytes))],
        [.. s.Openings.Select(static o => new OpeningAnswer($"{o.Epoch:x16}", o.At, o.Events))],
        [.. s.Consumers.Select(static c => new ConsumerAnswer(c.Name, c.Stream, c.Partitions))],
        [.. s.Sealed.Select(static e => new EncryptedAnswer(e.Key, e.Events))]);
}

/// <summary>One partition.</summary>
internal sealed record PartitionAnswer(string Partition, long Next, long Events, long CountedBytes, long First, long Last,
    DateTimeOffset? Oldest, long Refused, IReadOnlyList<string> Stand);

/// <summary>One topic.</summary>
internal sealed record TopicAnswer(string Stream, string Topic, long Events, long CountedBytes, DateTimeOffset Oldest);

/// <summary>Events refused for one reason.</summary>
internal sealed record RefusalAnswer(string Reason, long Events, long CountedBytes);

/// <summary>One opening.</summary>
internal sealed record OpeningAnswer(string Epoch, DateTimeOffset At, long Events);

/// <summary>One consumer.</summary>
internal sealed record ConsumerAnswer(string Name, string Stream, int Partitions);

/// <summary>Events that wait encrypted under a key.</summary>
internal sealed record EncryptedAnswer(string Key, long Events);

/// <summary>One finding.</summary>
internal sealed record FindingAnswer(string Code, string Place, string Message, bool Repairable);

/// <summary>Answer of <c>outbox verify --json</c>.</summary>
internal sealed record VerifyAnswer(string File, long Findings, long Repairable, long Events, bool IntegrityChecked,
    IReadOnlyList<FindingAnswer> Told);

/// <summary>Answer of <c>outbox repair --json</c>.</summary>
internal sealed record RepairAnswer(string File, string Copy, IReadOnlyList<string> Done, long Findings, IReadOnlyList<FindingAnswer> Left);

/// <summary>Answer of <c>outbox why --json</c>.</summary>
internal sealed record WhyAnswer(string Event, string State, IReadOnlyList<string> Reasons, bool InUse, long AheadEvents, long AheadBytes,
    IReadOnlyList<string> Stand, string? Refused, string? Identity, string? Topic, int? PayloadBytes, DateTimeOffset? Timestamp)
{
    /// <summary>The answer for what is known.</summary>
    public static WhyAnswer Of(WhyFacts f) => new(f.Name, f.State.ToString().ToLowerInvariant(), f.Reasons(), f.IsInUse, f.AheadEvents,
        f.AheadBytes, f.Stand, f.Event?.Reason, f.Event is { } e ? $"{e.Epoch:x16}:{e.Sequence}" : null,
        f.Event is null ? null : System.Text.Encoding.UTF8.GetString(f.Event.Topic),
        f.Event is { IsEncrypted: false } ? f.Event.Content.Payload.Length : null, f.Event?.Timestamp);
}

/// <summary>A line of <c>outbox refused retry --json</c> and <c>discard</c>.</summary>
internal sealed record RefusedDone(long Row, string Done, string? Identity, string? Fault);
