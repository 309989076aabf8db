using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Client;

/// <summary>Keeps a consumer's cursors and ranges on the device, gathered over a short time, in one transaction each (R17).</summary>
/// <remarks>Failure: what could not be kept is tried again each second and with everything that follows it; meanwhile no cluster is told
/// of it.</remarks>
internal sealed class ConsumerKeeper : IAsyncDisposable
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    // A cursor that moves over what others are sent costs nothing when it is lost: keeping it at every delivery would cost each idle
    // device five flushes a second.
    private static readonly TimeSpan PassedEvery = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _one = new(1, 1);
    private readonly AsyncSignal _wake = new();
    private readonly AsyncSignal _hurry = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<KeptPartition> _unkept = [];
    private readonly ConsumerContext _context;
    private readonly ConsumerOptions _options;
    private readonly long _id;
    private readonly Func<List<KeptPartition>> _changes;
    private readonly Action<IReadOnlyList<KeptPartition>> _kept;
    private readonly TimeSpan _every;
    private readonly Task _loop;
    private bool _isBroken;                          // an acknowledgement is in memory, and its event is not on the disk
    private int _isAwake;
    private int _isUrgent;

    /// <summary>A keeper; it begins at once.</summary>
    public ConsumerKeeper(ConsumerContext context, ConsumerOptions options, long id, Func<List<KeptPartition>> changes,
        Action<IReadOnlyList<KeptPartition>> kept, TimeSpan every)
    {
        _context = context;
        _options = options;
        _id = id;
        _changes = changes;
        _kept = kept;
        _every = every;
        _loop = Task.Run(LoopAsync);
    }

    /// <summary>Something was given, acknowledged or rewound: it is kept soon.</summary>
    public void Wake()
    {
        if (Volatile.Read(ref _isUrgent) == 0 && Interlocked.Exchange(ref _isUrgent, 1) == 0)
        {
            _hurry.Set();
        }

        WakeLater();
    }

    /// <summary>A cursor may have moved over events of others: it is kept with the next change, at the latest after seconds.</summary>
    public void WakeLater()
    {
        if (Volatile.Read(ref _isAwake) == 0 && Interlocked.Exchange(ref _isAwake, 1) == 0)
        {
            _wake.Set();
        }
    }

    /// <summary>Keeps what has changed, now. False when the disk refused.</summary>
    public async Task<bool> KeepAsync()
    {
        await _one.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_isBroken)
            {
                return false;
            }

            _unkept.AddRange(_changes());
            if (_unkept.Count > 0)
            {
                KeptPartition[] all = [.. _unkept];
                await _context.Outbox.RunAsync(transaction =>
                {
                    ConsumerStore.Save(transaction, _id, all);
                    return true;
                }).ConfigureAwait(false);
                _unkept.Clear();
                _kept(all);
            }

            return true;
        }
        catch (Exception e) when (e is StorageFailedException or ObjectDisposedException)
        {
            ClientLog.KeepFailed(_context.Logger, _options.Name, _options.Stream, e);
            return false;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Stores an event and keeps an acknowledgement in one transaction, with all that has changed besides.</summary>
    /// <param name="isOpen">Whether there is something to acknowledge; nothing is stored otherwise.</param>
    /// <param name="acknowledge">Does it in memory; called on the outbox's thread when the event has been let in.</param>
    /// <param name="store">Stores the event, and does what it is given in the same transaction.</param>
    /// <param name="cancellationToken">Ends the wait for the turn.</param>
    /// <returns>What <paramref name="store"/> gave, or <see langword="null"/>.</returns>
    /// <exception cref="StorageFailedException">The disk refused, now or before: nothing of this consumer is kept any more, so that a
    /// restart gives the event again.</exception>
    public async Task<T?> KeepWithAsync<T>(Func<bool> isOpen, Action acknowledge, Func<Action<OutboxTransaction>, ValueTask<T>> store,
        CancellationToken cancellationToken)
        where T : struct
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        KeptPartition[]? all = null;
        try
        {
            if (_isBroken)
            {
                throw new StorageFailedException($"consumer {_options.Name} of {_options.Stream}: the outbox's disk refused an event and"
                    + " what it answers; open the client again, and the events that are not acknowledged come again");
            }

            if (!isOpen())
            {
                return null;
            }

            T stored = await store(transaction =>
            {
                if (all is null)                     // else the transaction was undone, and it is done again
                {
                    acknowledge();
                    _unkept.AddRange(_changes());
                    all = [.. _unkept];
                }

                ConsumerStore.Save(transaction, _id, all);
            }).ConfigureAwait(false);
            _unkept.Clear();
            _kept(all!);
            all = null;
            return stored;
        }
        finally
        {
            _isBroken |= all is not null;
            _one.Release();
        }
    }

    /// <summary>Keeps what has changed, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        await KeepAsync().ConfigureAwait(false);
    }

    private async Task LoopAsync()
    {
        try
        {
            while (true)
            {
                await _wake.WaitAsync(_stop.Token).ConfigureAwait(false);
                await RestAsync().ConfigureAwait(false);
                await Task.Delay(_every, _context.Clock.Time, _stop.Token).ConfigureAwait(false);
                Volatile.Write(ref _isUrgent, 0);
                Volatile.Write(ref _isAwake, 0);
                while (!await KeepAsync().ConfigureAwait(false))
                {
                    await Task.Delay(RetryAfter, _context.Clock.Time, _stop.Token).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Closing keeps the rest.
        }
    }

    private async Task RestAsync()
    {
        if (Volatile.Read(ref _isUrgent) == 0)
        {
            using CancellationTokenSource enough = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            await Task.WhenAny(_hurry.WaitAsync(enough.Token), Task.Delay(PassedEvery, _context.Clock.Time, enough.Token))
                .ConfigureAwait(false);
            await enough.CancelAsync().ConfigureAwait(false);
            _stop.Token.ThrowIfCancellationRequested();
        }
    }
}
