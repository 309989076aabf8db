namespace Streams.Gateways;

/// <summary>A <see cref="DueBook"/> on a clock that no step of the wall clock moves. Safe for use by many threads.</summary>
internal sealed class Reminders(int capacity, TimeProvider time)
{
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(50);

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
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task news = News();
        TimeSpan wait = Wait(most);
        try
        {
            if (wait > TimeSpan.Zero)
            {
                Task delay = Task.Delay(wait, time, either.Token);

                // The clock may have gone on before the timer was set, which then comes too late.
                if (wait - Wait(most) < Slack)
                {
                    await Task.WhenAny(news, delay).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            await either.CancelAsync().ConfigureAwait(false);
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    // What was set before is counted by Wait, which comes behind this.
    private Task News()
    {
        lock (_lock)
        {
            if (_news.Task.IsCompleted)
            {
                _news = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            return _news.Task;
        }
    }

    private TimeSpan Wait(TimeSpan most)
    {
        lock (_lock)
        {
            TimeSpan now = Now;
            return Shorter(Shorter(most, _book.Next - now), _book.Horizon - now);
        }
    }

    private TimeSpan Now => time.GetElapsedTime(_start);

    private static TimeSpan Shorter(TimeSpan wait, TimeSpan? other) => other is { } less && less < wait ? less : wait;
}
