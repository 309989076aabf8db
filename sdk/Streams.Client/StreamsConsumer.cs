using System.Diagnostics;
using System.Runtime.CompilerServices;
using Streams.Core;

namespace Streams.Client;

/// <summary>A named consumer of a stream. Survives the loss of clusters: it goes on with another one at the same offsets (section 4 of
/// the architecture).</summary>
public sealed class StreamsConsumer : IAsyncDisposable
{
    private readonly ConsumerCore _core;
    private readonly Action<StreamsConsumer> _closed;
    private readonly PrepareEvent _prepare;
    private int _reading;

    internal StreamsConsumer(ConsumerCore core, Action<StreamsConsumer> closed, PrepareEvent prepare)
    {
        _core = core;
        _closed = closed;
        _prepare = prepare;
    }

    internal delegate PlainEvent PrepareEvent(StreamPath stream, TopicName topic, ReadOnlyMemory<byte> payload, ReadOnlyMemory<byte> key,
        IReadOnlyList<EventHeader>? headers);

    internal ConsumerOptions Options => _core.Options;

    /// <summary>How far it was behind when that was asked for last, by <see cref="GetLagAsync"/> or by who reads the gauge
    /// <c>streams.client.consumer.lag</c>; <see langword="null"/> before.</summary>
    public ConsumerLag? LastLag => _core.LastLag;

    internal void RefreshLag() => _core.RefreshLag();

    internal void CountUnreadable() => _core.CountUnreadable();

    /// <summary>The events, each once, in the order of their producers. One reader at a time; nothing more is fetched than
    /// <see cref="StreamsClientOptions.ReceiveBytes"/> allows
    /// until events are taken. Ends when the token is cancelled or the consumer disposed.</summary>
    /// <remarks>An event that is not acknowledged holds the cursor of its lane; it is given again after a restart of the
    /// process.</remarks>
    /// <exception cref="InvalidOperationException">Someone reads already.</exception>
    /// <exception cref="InvalidRequestException">The cluster refused the subscription for good.</exception>
    public async IAsyncEnumerable<ReceivedEvent> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using CancellationTokenSource either = BeginReading(cancellationToken);
        try
        {
            while (!either.IsCancellationRequested)
            {
                if (_core.Take() is { } received)
                {
                    using Activity? activity = ClientActivities.Consume(received, _core.Options);
                    received.Activity = activity;
                    yield return received;
                }
                else
                {
                    await _core.WaitAsync(either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            }
        }
        finally
        {
            Volatile.Write(ref _reading, 0);
        }
    }

    /// <summary>As <see cref="ReadAllAsync"/>, the events in batches as producers made them: for programs that take more than some hundred
    /// thousand a second.</summary>
    /// <exception cref="InvalidOperationException">Someone reads already.</exception>
    /// <exception cref="InvalidRequestException">The cluster refused the subscription for good.</exception>
    public async IAsyncEnumerable<ReceivedBatch> ReadBatchesAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using CancellationTokenSource either = BeginReading(cancellationToken);
        try
        {
            while (!either.IsCancellationRequested)
            {
                if (_core.TakeBatch() is { } received)
                {
                    yield return received;
                }
                else
                {
                    await _core.WaitAsync(either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            }
        }
        finally
        {
            Volatile.Write(ref _reading, 0);
        }
    }

    /// <summary>The cursor as acknowledged and kept on this device.</summary>
    public Cursor Cursor(PartitionId partition) => _core.Cursor(partition);

    /// <summary>Goes on elsewhere, back or forth, also while somebody reads. Waits for a cluster. When it completes, the next event handed
    /// out is of the new position: what was prefetched is dropped, and acknowledging what was handed out before does nothing any more. It
    /// is kept on this device and told to the cluster, and wins in every cluster over what was acknowledged anywhere (rule R11): also after
    /// a restart, a failover, or for another host that takes the name over.</summary>
    /// <remarks>Of several rewinds of one consumer at the same time, here or by <c>streams cursor move</c>, one wins whole. A batch that
    /// was handed out stays as it is.</remarks>
    /// <exception cref="InvalidRequestException">The cluster does not have that place, or refused the subscription; nothing has
    /// changed.</exception>
    /// <exception cref="StorageFailedException">The device's disk refused: this process goes on at the new position, but nobody else knows
    /// yet.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, or the consumer was disposed.</exception>
    public Task SeekAsync(SeekPosition position, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(position);
        return _core.SeekAsync(position, cancellationToken);
    }

    /// <summary>Acknowledges an event of this consumer and publishes what came of it, in one transaction on the device's disk: a kill at
    /// any moment leaves both or neither. So an event that is answered, or turned into another, is so exactly once, however often it comes.
    /// Completes when both are on stable storage; what is published is sent as by <see cref="StreamsClient.PublishAsync"/>, but always
    /// flushed, from the client's first class, and under no rule of the outbox: it waits while that is full. No other acknowledgement of
    /// this consumer is kept meanwhile.</summary>
    /// <param name="received">The event, as it was handed out.</param>
    /// <param name="stream">Where to publish.</param>
    /// <param name="topic">The topic within it.</param>
    /// <param name="payload">The payload, at most 1 MiB; must not change until the call completes.</param>
    /// <param name="key">Decides the partition instead of the topic, when given.</param>
    /// <param name="headers">Names and values that travel with it.</param>
    /// <param name="cancellationToken">Ends the wait for room. What has been let in is stored all the same.</param>
    /// <returns>The receipt; <see langword="null"/> when the event is acknowledged already, or was handed out before a rewind: then
    /// nothing was published.</returns>
    /// <exception cref="InvalidRequestException">Over a limit, or a header's name is kept; nothing has changed.</exception>
    /// <exception cref="StorageFailedException">The device's disk refused: neither is there, nothing more of this consumer is kept, and the
    /// event comes again when the client is opened again.</exception>
    public Task<PublishReceipt?> AcknowledgeWithAsync(ReceivedEvent received, StreamPath stream, TopicName topic,
        ReadOnlyMemory<byte> payload, ReadOnlyMemory<byte> key = default, IReadOnlyList<EventHeader>? headers = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(received);
        return _core.AcknowledgeWithAsync(received, stream, _prepare(stream, topic, payload, key, headers), cancellationToken);
    }

    /// <summary>Asks the cluster how far this consumer is behind what it has. Waits for one. Costs the cluster a read of one entry for each
    /// lane in which the consumer is behind.</summary>
    /// <exception cref="InvalidRequestException">The cluster cannot say, or refused the subscription.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, or the consumer was disposed.</exception>
    public Task<ConsumerLag> GetLagAsync(CancellationToken cancellationToken = default) => _core.LagAsync(cancellationToken);

    /// <summary>Commits what is acknowledged (bounded wait) and closes.</summary>
    public async ValueTask DisposeAsync()
    {
        await _core.DisposeAsync().ConfigureAwait(false);
        _closed(this);
    }

    private CancellationTokenSource BeginReading(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _reading, 1) != 0)
        {
            throw new InvalidOperationException($"consumer {_core.Options.Name} of {_core.Options.Stream}: one reader at a time");
        }

        return CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _core.Stopped);
    }
}
