using System.Threading.Tasks.Sources;
using Streams.Core;

namespace Streams.Client;

/// <summary>How a publish came to the writer.</summary>
internal enum GateEntry
{
    /// <summary>It was let in.</summary>
    Entered,

    /// <summary>There was no room: it has not entered, and makes room when its turn comes.</summary>
    Forced,

    /// <summary>There was no room, and it is to be dropped.</summary>
    Refused,
}

/// <summary>One publish on its way into the outbox.</summary>
internal sealed class PendingPublish : IOutboxOperation, IValueTaskSource<PublishReceipt>
{
    private readonly EventOutbox _outbox;
    private ManualResetValueTaskSourceCore<PublishReceipt> _receipt;
    private EventIdentity _identity;
    private long _staged;
    private Taken _taken;
    private PublishDurability _reached;

    /// <summary>A publish; the memory given must stay as it is until the receipt is there.</summary>
    public PendingPublish(EventOutbox outbox, StreamPartition partition, PlainEvent content, PublishTerms terms)
    {
        _outbox = outbox;
        Partition = partition;
        Content = content;
        Terms = terms;
        Bytes = SizeOf(content) + outbox.SealBytes;
        _receipt.RunContinuationsAsynchronously = true;
    }

    /// <summary>The partition.</summary>
    public StreamPartition Partition { get; }

    /// <summary>What is published; let go of when it is stored.</summary>
    public PlainEvent Content { get; private set; }

    /// <summary>Bytes that it counts.</summary>
    public long Bytes { get; }

    /// <summary>What else is done in its transaction, or <see langword="null"/>.</summary>
    public Action<OutboxTransaction>? With { get; init; }

    /// <inheritdoc/>
    public bool NeedsFlush => Terms.Durability == PublishDurability.Flushed || With is not null;

    /// <summary>Whether writing it changes pages on which other events stand: those that it drops or replaces.</summary>
    public bool Displaces => Entry == GateEntry.Forced || Terms.Policy == OutboxPolicy.KeepLatestPerKey;

    /// <summary>Its share of a group: so that the pages that a group displaces fit the journal, which is eight groups.</summary>
    public long GroupBytes => Displaces ? Bytes + 1024 : Bytes;

    /// <summary>What may become of it as long as it is unsent.</summary>
    public PublishTerms Terms { get; }

    /// <summary>How it came here.</summary>
    public GateEntry Entry { get; init; }

    /// <summary>Whether there was no room, and nothing was stored.</summary>
    public bool IsDeclined => _taken == Taken.Declined;

    /// <summary>Whether its bytes were let in; the gate's to say.</summary>
    public bool HasEntered { get; set; }

    /// <summary>Its place in the gate's line.</summary>
    public LinkedListNode<PendingPublish> Line => field ??= new LinkedListNode<PendingPublish>(this);

    /// <summary>Takes it out of the gate's line when it is cancelled.</summary>
    public CancellationTokenRegistration Leaving { get; set; }

    /// <inheritdoc/>
    public bool IsUnfinished => _taken == Taken.Later;

    /// <inheritdoc/>
    public bool HoldsUp => IsUnfinished;

    /// <summary>Completes when it is stored.</summary>
    public ValueTask<PublishReceipt> Stored => new(this, _receipt.Version);

    /// <summary>What an event counts: its bytes, and something for the row around it.</summary>
    public static long SizeOf(in PlainEvent content) =>
        content.Payload.Length + content.Key.Length + content.Headers.Length + content.Topic.Length + 64;

    /// <summary>It has its sequence.</summary>
    public void Number(EventIdentity identity) => _identity = identity;

    /// <summary>It has a number in the stage, and no sequence yet.</summary>
    public void Staged(EventIdentity identity, long number) => (_identity, _staged) = (identity, number);

    /// <inheritdoc/>
    public void Apply(OutboxTransaction transaction)
    {
        if (With is not null)
        {
            transaction.Flush();
            With(transaction);
        }

        _staged = 0;
        _reached = transaction.IsFlushed ? PublishDurability.Flushed : PublishDurability.Buffered;
        _taken = transaction.Stage.Take(this);
        if (_taken == Taken.Dropped)
        {
            _identity = new EventIdentity(transaction.Producer, transaction.Epoch, 0);
        }
    }

    /// <inheritdoc/>
    public void Committed()
    {
        switch (_taken)
        {
            case Taken.Later:
                return;
            case Taken.Stored:
                Content = default;
                _receipt.SetResult(new PublishReceipt(_identity, Partition, _outbox.Receipts, _staged) { Durability = _reached });
                break;
            case Taken.Dropped:
                Content = default;
                Leave();
                _receipt.SetResult(Dropped(_identity, PublishOutcome.Dropped));
                break;
            default:                                     // the content is needed again
                Leave();
                _receipt.SetResult(default);
                break;
        }
    }

    /// <summary>The receipt of one that was dropped.</summary>
    public PublishReceipt Dropped(EventIdentity identity, PublishOutcome outcome) =>
        new(identity, Partition, Task.FromResult(Receipts.Dropped(Partition, outcome))) { Durability = _reached };

    /// <inheritdoc/>
    public bool Failed(Exception why)
    {
        if (_receipt.GetStatus(_receipt.Version) != ValueTaskSourceStatus.Pending)
        {
            return false;                                // it was told that it is stored, and it is
        }

        Content = default;
        Leave();
        _receipt.SetException(why);
        return false;
    }

    /// <inheritdoc/>
    public PublishReceipt GetResult(short token) => _receipt.GetResult(token);

    /// <inheritdoc/>
    public ValueTaskSourceStatus GetStatus(short token) => _receipt.GetStatus(token);

    /// <inheritdoc/>
    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _receipt.OnCompleted(continuation, state, token, flags);

    /// <summary>It goes again without having been written.</summary>
    public void Leave()
    {
        if (HasEntered)
        {
            _outbox.Gate.Leave(Bytes);
        }
    }
}
