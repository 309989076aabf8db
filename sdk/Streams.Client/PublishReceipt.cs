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

    /// <summary>It was refused by a cluster for good, or damaged on this device's disk: <see cref="PublishReceipt.Stored"/> throws
    /// why.</summary>
    Failed,

    /// <summary>It was settled, and so much has been settled since that what became of it is not known any more:
    /// <see cref="PublishReceipt.Stored"/>, asked for only now, throws. Who asks for it at once is always told.</summary>
    Forgotten,
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
/// cluster has it. A receipt that is not asked costs no memory while the event waits, for days and by the million.</summary>
public readonly record struct PublishReceipt
{
    private readonly object _stored;                     // the task, or who answers when asked
    private readonly long _staged;

    /// <summary>A receipt, such as a test of a publisher needs it.</summary>
    /// <param name="identity">Identity of the event.</param>
    /// <param name="partition">The partition it belongs to.</param>
    /// <param name="stored">Completes when it is settled.</param>
    public PublishReceipt(EventIdentity identity, StreamPartition partition, Task<StoredEvent> stored)
    {
        ArgumentNullException.ThrowIfNull(stored);
        Identity = identity;
        Partition = partition;
        _stored = stored;
    }

    internal PublishReceipt(EventIdentity identity, StreamPartition partition, Receipts receipts, long staged)
    {
        Identity = identity;
        Partition = partition;
        _stored = receipts;
        _staged = staged;
    }

    /// <summary>Identity of the event in its partition. Sequence 0 means that it has no number yet: an event that may still be dropped,
    /// or stands behind one, gets its number when it is about to be sent (<see cref="StoredEvent.Identity"/> tells).</summary>
    public EventIdentity Identity { get; }

    /// <summary>The partition it belongs to.</summary>
    public StreamPartition Partition { get; }

    /// <summary>How far it has come on this device: what was asked for, or better.</summary>
    public PublishDurability Durability { get; init; }

    /// <summary>Completes when a cluster holds it, flushed, or when it was dropped under a declared policy: the outcome tells. Survives
    /// any number of reconnects and failovers; fails when it was refused for good or damaged on the disk; is cancelled when the client is
    /// disposed first (the event itself stays in the outbox and is sent at the next opening). Ask early: what has become of the events of
    /// long ago is remembered for some 65,000 runs of events, then fails with <see cref="InvalidOperationException"/>.</summary>
    public Task<StoredEvent> Stored => _stored switch
    {
        Receipts receipts => receipts.WhenSettled(Partition, Identity.Sequence, _staged),
        Task<StoredEvent> task => task,
        _ => throw new InvalidOperationException("this is no receipt of a publish"),
    };

    /// <summary>What has become of it so far.</summary>
    public PublishOutcome Outcome => _stored switch
    {
        Receipts receipts => receipts.OutcomeOf(Partition, Identity.Sequence, _staged),
        Task<StoredEvent> { IsCompletedSuccessfully: true } task => task.Result.Outcome,
        Task<StoredEvent> { IsFaulted: true } => PublishOutcome.Failed,
        _ => PublishOutcome.Waiting,
    };
}
