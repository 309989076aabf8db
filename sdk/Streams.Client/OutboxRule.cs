namespace Streams.Client;

/// <summary>What a publish does that finds the outbox full, and which events may make room. A cluster that is reached empties the outbox
/// whatever the policy; an event that may have been sent is never dropped.</summary>
public enum OutboxPolicy
{
    /// <summary>The publish waits for room. Its event is never dropped. The default.</summary>
    Block,

    /// <summary>The publish returns at once; its receipt has the outcome <see cref="PublishOutcome.Rejected"/> and nothing is stored. An
    /// event that was stored is never dropped.</summary>
    Reject,

    /// <summary>The oldest unsent events under this policy, of whatever topic, make room: for one another, and for publishes that wait
    /// under other policies. When they cannot make enough the new event is dropped. The publish does not wait.</summary>
    DropOldest,

    /// <summary>The new event is dropped. The publish does not wait. An event that was stored is never dropped.</summary>
    DropNewest,

    /// <summary>A new event takes the place of the unsent one of the same topic and key (of the same topic where it has no key), full or
    /// not. One that replaces nothing waits for room.</summary>
    KeepLatestPerKey,
}

/// <summary>How far an event has come in the outbox.</summary>
public enum PublishDurability
{
    /// <summary>It is on stable storage: nothing but the loss of the storage loses it. The default.</summary>
    Flushed,

    /// <summary>It is in the operating system's hands, and is flushed within <see cref="StreamsClientOptions.FlushWithin"/>, together with
    /// what comes until then: spares a flash memory most of its writes. The end of the process, kill -9 as well, loses nothing; a cut of
    /// the power may lose the latest events that no cluster has yet, never any from before them.</summary>
    Buffered,
}

/// <summary>What the outbox does with the events of some topics. It counts for an event as it was when the event was published.</summary>
/// <param name="Filter">Which topics: an MQTT filter on the topic within its stream. The first rule that matches counts.</param>
/// <param name="Policy">What is done when the outbox is full.</param>
public sealed record OutboxRule(string Filter, OutboxPolicy Policy)
{
    /// <summary>How long an event may wait unsent; then it is dropped as <see cref="PublishOutcome.Expired"/>. Measured by a clock that no
    /// set wall clock makes run faster (docs/client.md). <see langword="null"/> (the default): for ever; else 1 ms to 10 years.</summary>
    public TimeSpan? TimeToLive { get; init; }

    /// <summary>How far an event must have come for its publish to be done, where the publish does not say. Default
    /// <see cref="PublishDurability.Flushed"/>.</summary>
    public PublishDurability Durability { get; init; }
}
