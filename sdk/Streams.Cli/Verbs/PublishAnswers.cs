namespace Streams.Cli;

/// <summary>Answer of <c>publish --json</c> and <c>outbox send --json</c>, at the end.</summary>
internal sealed record PublishAnswer(long Published, long Stored, long Refused, long Waiting, string? Cluster, string? Outbox,
    double Seconds);

/// <summary>A line of <c>publish --receipts --json</c>.</summary>
internal sealed record ReceiptAnswer(string Identity, string Partition, string? Origin, long? Offset, string? Refused);
