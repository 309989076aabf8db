namespace Streams.Client;

/// <summary>One outbox of a client and its sender: a producer of its own.</summary>
/// <param name="Class">Name of the class, or <see langword="null"/>: that of all events that no class claims.</param>
/// <param name="IsPassing">Whether it is the one that passes a backlog.</param>
/// <param name="Bytes">Most bytes that its files may take.</param>
/// <param name="Outbox">The outbox.</param>
internal sealed record OutboxLane(string? Class, bool IsPassing, long Bytes, EventOutbox Outbox);
