using Streams.Core;

namespace Streams.Client;

/// <summary>What has become of a publish.</summary>
public enum PublishOutcome
{
    /// <summary>It waits in the outbox, or is on its way.</summary>
    Waiting,

    /// <summary>A cluster holds it, flushed.</summary>
    Stored,

    /// <summary>The outbox was full and its policy is <see cref="OutboxPolicy.Reject"/>: nothing was stored.</summary>
    Rejected,

    /// <summary>It was dropped because the outbox was full.</summary>
    Dropped,

    /// <summary>It was dropped unsent because its time to live was over.</summary>
    Expired,

    /// <summary>A newer event of the same key took its place before it was sent.</summary>
    Superseded,
}

/// <summary>Where an event stands in a cluster: the same in every cluster, for ever. Or, under a policy that may drop it, why it stands
/// nowhere.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Partition">The partition.</param>
/// <param name="Place">The lane and the offset in it; of no meaning unless <see cref="Outcome"/> is
/// <see cref="PublishOutcome.Stored"/>.</param>
public readonly record struct StoredEvent(StreamPath Stream, PartitionId Partition, EventPlace Place)
{
    /// <summary>What has become of it; never <see cref="PublishOutcome.Waiting"/>. Without <see cref="StreamsClientOptions.OutboxRules"/>
    /// and times to live always <see cref="PublishOutcome.Stored"/>.</summary>
    public PublishOutcome Outcome { get; init; } = PublishOutcome.Stored;

    /// <summary>Its identity, when it is stored.</summary>
    public EventIdentity Identity { get; init; }
}

/// <summary>An event is stored on this device, as durably as <see cref="Durability"/> says; <see cref="Stored"/> tells when a
/// cluster has it.</summary>
/// <param name="Identity">Identity of the event in its partition. Sequence 0 means that it has no number yet: an event that may still be
/// dropped, or stands behind one, gets its number when it is about to be sent (<see cref="StoredEvent.Identity"/> tells).</param>
/// <param name="Partition">The partition it belongs to.</param>
/// <param name="Stored">Completes when a cluster holds it, flushed, or when it was dropped under a declared policy: the outcome tells.
/// Survives any number of reconnects and failovers; is cancelled when the client is disposed first (the event itself stays in the outbox
/// and is sent at the next opening).</param>
public readonly record struct PublishReceipt(EventIdentity Identity, StreamPartition Partition, Task<StoredEvent> Stored)
{
    /// <summary>How far it has come on this device: what was asked for, or better.</summary>
    public PublishDurability Durability { get; init; }

    /// <summary>What has become of it so far.</summary>
    public PublishOutcome Outcome => Stored.IsCompletedSuccessfully ? Stored.Result.Outcome : PublishOutcome.Waiting;
}
