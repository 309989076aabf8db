using System.Threading.Tasks.Sources;
using Streams.Core;

namespace Streams.Client;

/// <summary>One publish: first on its way into the outbox, then, as the receipt's promise, until a cluster has it.</summary>
internal sealed class PendingPublish : TaskCompletionSource<StoredEvent>, IOutboxOperation, IValueTaskSource<PublishReceipt>
{
    private readonly EventOutbox _outbox;
    private ManualResetValueTaskSourceCore<PublishReceipt> _receipt;
    private EventIdentity _identity;

    /// <summary>A publish; the memory given must stay as it is until the receipt is there.</summary>
    public PendingPublish(EventOutbox outbox, StreamPartition partition, PlainEvent content)
        : base(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        _outbox = outbox;
        Partition = partition;
        Content = content;
        Bytes = SizeOf(content);
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

    /// <summary>Whether its bytes were let in.</summary>
    public bool HasEntered { get; set; }

    /// <summary>Its sequence, once stored.</summary>
    public long Sequence => _identity.Sequence;

    /// <summary>Completes when it is stored.</summary>
    public ValueTask<PublishReceipt> Stored => new(this, _receipt.Version);

    /// <summary>What an event counts: its bytes, and something for the row around it.</summary>
    public static long SizeOf(in PlainEvent content) =>
        content.Payload.Length + content.Key.Length + content.Headers.Length + content.Topic.Length + 64;

    /// <inheritdoc/>
    public void Apply(OutboxTransaction transaction)
    {
        With?.Invoke(transaction);
        _identity = transaction.Append(this);
    }

    /// <inheritdoc/>
    public void Committed()
    {
        Content = default;
        _outbox.Receipts.Add(this);
        _receipt.SetResult(new PublishReceipt(_identity, Partition, Task));
    }

    /// <inheritdoc/>
    public bool Failed(Exception why)
    {
        if (_receipt.GetStatus(_receipt.Version) != ValueTaskSourceStatus.Pending)
        {
            return false;                                // it was told that it is stored, and it is
        }

        Content = default;
        _outbox.Gate.Leave(Bytes);
        TrySetCanceled();
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
}
