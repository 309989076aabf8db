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
    private int _reading;

    internal StreamsConsumer(ConsumerCore core, Action<StreamsConsumer> closed)
    {
        _core = core;
        _closed = closed;
    }

    internal ConsumerOptions Options => _core.Options;

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
