namespace Streams.Gateways;

/// <summary>A <see cref="DueBook"/> on a clock that no step of the wall clock moves. Safe for use by many threads.</summary>
internal sealed class Reminders(int capacity, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly DueBook _book = new(capacity);
    private readonly long _start = time.GetTimestamp();
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Sets in how long a key is due, instead of what was set before.</summary>
    public void Set(string key, TimeSpan after)
    {
        lock (_lock)
        {
            TimeSpan now = Now;
            _book.Set(key, after < TimeSpan.MaxValue - now ? now + after : TimeSpan.MaxValue);
            _news.TrySetResult();
        }
    }

    /// <summary>A key is not due any more.</summary>
    public void Cancel(string key)
    {
        lock (_lock)
        {
            _book.Cancel(key);
        }
    }

    /// <summary>Whether all is to be looked through again: something that is not held may be due.</summary>
    public bool NeedsWalk
    {
        get
        {
            lock (_lock)
            {
                return _book.Horizon <= Now;
            }
        }
    }

    /// <summary>All is about to be looked through.</summary>
    public void BeginWalk()
    {
        lock (_lock)
        {
            _book.Reopen();
        }
    }

    /// <summary>Takes what is due, at most <paramref name="max"/>.</summary>
    public List<string> Take(int max)
    {
        List<string> due = [];
        lock (_lock)
        {
            TimeSpan now = Now;
            while (due.Count < max && _book.TryTake(now, out string key))
            {
                due.Add(key);
            }
        }

        return due;
    }

    /// <summary>Waits until something is due or may be, at most <paramref name="most"/>.</summary>
    public async Task WaitAsync(TimeSpan most, CancellationToken cancellationToken)
    {
        Task news;
        TimeSpan wait = most;
        lock (_lock)
        {
            TimeSpan now = Now;
            wait = Shorter(wait, _book.Next - now);
            wait = Shorter(wait, _book.Horizon - now);
            if (_news.Task.IsCompleted)
            {
                _news = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            news = _news.Task;
        }

        if (wait <= TimeSpan.Zero)
        {
            return;
        }

        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            await Task.WhenAny(news, Task.Delay(wait, time, either.Token)).ConfigureAwait(false);
        }
        finally
        {
            await either.CancelAsync().ConfigureAwait(false);
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    private TimeSpan Now => time.GetElapsedTime(_start);

    private static TimeSpan Shorter(TimeSpan wait, TimeSpan? other) => other is { } less && less < wait ? less : wait;
}
