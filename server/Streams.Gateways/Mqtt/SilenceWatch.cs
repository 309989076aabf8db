namespace Streams.Gateways;

/// <summary>Notices that a client has been silent for too long. Time in which the gateway itself does not read (back-pressure) does
/// not count.</summary>
internal sealed class SilenceWatch : IDisposable
{
    private readonly TimeProvider _time;
    private readonly TimeSpan _limit;
    private readonly Action _silent;
    private readonly ITimer _timer;
    private long _heardAt;
    private volatile bool _listening;

    public SilenceWatch(TimeProvider time, TimeSpan limit, Action silent)
    {
        _time = time;
        _limit = limit;
        _silent = silent;
        _heardAt = time.GetTimestamp();
        _timer = time.CreateTimer(static watch => ((SilenceWatch)watch!).Look(), this, limit, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Something is awaited from the client.</summary>
    public void Listen()
    {
        Volatile.Write(ref _heardAt, _time.GetTimestamp());
        _listening = true;
    }

    /// <summary>Something came.</summary>
    public void Heard() => _listening = false;

    /// <summary>Stops watching.</summary>
    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        TimeSpan silence = _time.GetElapsedTime(Volatile.Read(ref _heardAt));
        if (_listening && silence >= _limit)
        {
            _silent();
            return;
        }

        TimeSpan left = _listening ? _limit - silence : _limit;
        try
        {
            _timer.Change(left, Timeout.InfiniteTimeSpan);
        }
        catch (ObjectDisposedException)
        {
            // The connection ended while the timer ran.
        }
    }
}
