namespace Streams.Geo;

/// <summary>Tells when lanes have grown, and not so often that looking at them all takes more than a fifth of the time: with a million
/// lanes a look takes many milliseconds.</summary>
internal sealed class LaneWatch : IDisposable
{
    private readonly TimeProvider _time;
    private readonly IDisposable _watching;
    private readonly ITimer _timer;
    private int _changed;
    private long _lookedFrom;
    private long _notBefore;

    public LaneWatch(ILaneStore store, TimeProvider time, Action wake)
    {
        _time = time;
        _timer = time.CreateTimer(_ => wake(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _watching = store.Watch(() =>
        {
            Volatile.Write(ref _changed, 1);
            wake();
        });
    }

    /// <summary>Whether to look now. When it is too early, the session is woken when it no longer is.</summary>
    public bool TakeChange()
    {
        if (Volatile.Read(ref _changed) == 0)
        {
            return false;
        }

        long now = _time.GetTimestamp();
        if (now < _notBefore)
        {
            _timer.Change(_time.GetElapsedTime(now, _notBefore) + TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
            return false;
        }

        Volatile.Write(ref _changed, 0);
        _lookedFrom = now;
        return true;
    }

    /// <summary>The look is over.</summary>
    public void Looked()
    {
        long now = _time.GetTimestamp();
        long took = now - _lookedFrom;
        _notBefore = took > _time.TimestampFrequency / 1000 ? now + (4 * took) : now;
    }

    public void Dispose()
    {
        _watching.Dispose();
        _timer.Dispose();
    }
}
