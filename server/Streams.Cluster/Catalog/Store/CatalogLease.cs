using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Cluster;

/// <summary>A lease of a catalog that is kept alive for as long as this object lives, and how long its holder may believe in it.</summary>
/// <remarks>Lost is for ever: take a new one. <see cref="IsHeld"/> is asked before each act that only a holder may do; it looks at the
/// clock, not at a flag that a late timer sets. Failures to reach the store are tried again until the time is over; disposal gives the
/// lease
/// back, with a limit of one attempt.</remarks>
public sealed class CatalogLease : IAsyncDisposable
{
    private const int KeepAlivesPerLife = 3;
    private const int RetriesPerLife = 10;
    private const string Unreached = "the store was not reached in time";

    private readonly ICatalogStore _store;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _lost = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _gate = new();
    private readonly ITimer _end;
    private readonly Task _keeping;
    private LeaseBelief _belief;
    private bool _isOver;
    private bool _isTold;
    private bool _isDisposed;

    private CatalogLease(ICatalogStore store, TimeProvider time, ILogger logger, long id, LeaseBelief belief)
    {
        _store = store;
        _time = time;
        _logger = logger;
        Id = id;
        _belief = belief;
        Lost = _lost.Token;
        _end = time.CreateTimer(_ => Look(), null, belief.Remaining(time), Timeout.InfiniteTimeSpan);
        _keeping = KeepAsync();
    }

    /// <summary>The number to write entries under.</summary>
    public long Id { get; }

    /// <summary>Cancelled when the lease is lost, soon after <see cref="IsHeld"/> turned false.</summary>
    public CancellationToken Lost { get; }

    /// <summary>Whether the holder may act on it now: the store still believes in it for certain.</summary>
    public bool IsHeld => Remaining > TimeSpan.Zero;

    /// <summary>How much longer it may be believed in if the store is not reached any more; zero once it is lost.</summary>
    public TimeSpan Remaining
    {
        get
        {
            lock (_gate)
            {
                TimeSpan left = _isOver ? TimeSpan.Zero : _belief.Remaining(_time);
                _isOver |= left == TimeSpan.Zero;
                return left;
            }
        }
    }

    /// <summary>Takes a lease and keeps it.</summary>
    /// <exception cref="TryAgainException">The store cannot be reached.</exception>
    public static async Task<CatalogLease> HoldAsync(
        ICatalogStore store, TimeSpan timeToLive, TimeProvider time, ILogger logger, CancellationToken cancellationToken = default)
    {
        LeaseBelief before = LeaseBelief.Now(time);
        LeaseGrant grant = await store.GrantLeaseAsync(timeToLive, cancellationToken).ConfigureAwait(false);
        return new CatalogLease(store, time, logger, grant.Id, before with { TimeToLive = grant.TimeToLive });
    }

    /// <summary>Gives the lease back; its entries go at once when the store is reached, else when its time is over.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
        }

        bool wasHeld = IsHeld;
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _keeping.ConfigureAwait(false);
        await _end.DisposeAsync().ConfigureAwait(false);
        Lose(null);
        if (wasHeld)
        {
            await GiveBackAsync().ConfigureAwait(false);
        }

        _stopping.Dispose();
    }

    private async Task GiveBackAsync()
    {
        try
        {
            await _store.RevokeLeaseAsync(Id, CancellationToken.None).ConfigureAwait(false);
        }
        catch (StreamsException fault)
        {
            ClusterLog.LeaseNotGivenBack(_logger, Id, fault.Message);
        }
    }

    private async Task KeepAsync()
    {
        CancellationToken stop = _stopping.Token;
        try
        {
            TimeSpan pause = _belief.TimeToLive / KeepAlivesPerLife;
            while (true)
            {
                await Task.Delay(pause, _time, stop).ConfigureAwait(false);
                TimeSpan? next = await TryKeepAsync(stop).ConfigureAwait(false);
                if (next is null)
                {
                    return;
                }

                pause = next.Value;
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Disposed.
        }
    }

    // How long to wait before the next time; null when it is over.
    private async Task<TimeSpan?> TryKeepAsync(CancellationToken stop)
    {
        TimeSpan remaining = Remaining;
        if (remaining == TimeSpan.Zero)
        {
            Lose(Unreached);
            return null;
        }

        LeaseBelief before = LeaseBelief.Now(_time);
        try
        {
            using CancellationTokenSource limit = new(remaining, _time);
            using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stop);
            if (await _store.KeepAliveAsync(Id, both.Token).ConfigureAwait(false) is { } timeToLive
                && Believe(before with { TimeToLive = timeToLive }))
            {
                return timeToLive / KeepAlivesPerLife;
            }

            Lose("the store says that it is over");
            return null;
        }
        catch (Exception fault) when (fault is StreamsException or OperationCanceledException && !stop.IsCancellationRequested)
        {
            ClusterLog.LeaseNotKept(_logger, Id, Remaining.TotalSeconds, fault.Message);
            return _belief.TimeToLive / RetriesPerLife;
        }
    }

    // An answer that comes when the time is over changes nothing: others may have been told that it is lost.
    private bool Believe(LeaseBelief belief)
    {
        lock (_gate)
        {
            if (_isOver || _belief.Remaining(_time) == TimeSpan.Zero)
            {
                _isOver = true;
                return false;
            }

            _belief = belief;
        }

        _end.Change(belief.Remaining(_time), Timeout.InfiniteTimeSpan);
        return true;
    }

    private void Look()
    {
        TimeSpan left = Remaining;
        if (left > TimeSpan.Zero)
        {
            // The belief was renewed while the timer fired.
            _end.Change(left, Timeout.InfiniteTimeSpan);
            return;
        }

        Lose(Unreached);
    }

    // Without a reason nobody needs to be told.
    private void Lose(string? reason)
    {
        bool first;
        lock (_gate)
        {
            _isOver = true;
            first = !_isTold;
            _isTold = true;
        }

        if (first && reason is not null)
        {
            ClusterLog.LeaseOver(_logger, Id, reason);
        }

        _lost.Cancel();
    }
}
