namespace Streams.Mqtt;

/// <summary>What the keep alive asks for now.</summary>
internal enum KeepAliveStep
{
    Wait,
    Ping,
    GiveUp,
}

/// <summary>
/// Decides when to ping and when to give up. Pure: times are durations since the connection began. Thread-safe.
/// While the reader waits for the handler nothing can be heard, so silence is not held against the server then; pings go on.
/// </summary>
internal sealed class KeepAliveSchedule
{
    private readonly Lock _gate = new();
    private readonly TimeSpan _interval;
    private readonly TimeSpan _timeout;
    private TimeSpan _lastPing;
    private TimeSpan? _askedAt;
    private bool _deaf;

    public KeepAliveSchedule(TimeSpan keepAlive, TimeSpan timeout)
    {
        // Three quarters leave room for a late timer and a slow network.
        _interval = keepAlive * 0.75;
        _timeout = timeout;
    }

    /// <summary>Tells what to do now and, for <see cref="KeepAliveStep.Wait"/>, when to ask again.</summary>
    public KeepAliveStep Next(TimeSpan now, out TimeSpan wait)
    {
        lock (_gate)
        {
            wait = TimeSpan.Zero;
            TimeSpan untilPing = _lastPing + _interval - now;
            if (_askedAt is { } asked && !_deaf)
            {
                TimeSpan left = asked + _timeout - now;
                if (left <= TimeSpan.Zero)
                {
                    return KeepAliveStep.GiveUp;
                }

                wait = left;
            }
            else
            {
                wait = untilPing;
            }

            if (untilPing <= TimeSpan.Zero)
            {
                _lastPing = now;
                _askedAt ??= now;
                return KeepAliveStep.Ping;
            }

            wait = wait < untilPing ? wait : untilPing;
            return KeepAliveStep.Wait;
        }
    }

    /// <summary>Something was heard.</summary>
    public void Heard()
    {
        lock (_gate)
        {
            _askedAt = null;
        }
    }

    /// <summary>The reader stops reading, or reads again.</summary>
    public void SetDeaf(bool deaf, TimeSpan now)
    {
        lock (_gate)
        {
            _deaf = deaf;
            if (!deaf && _askedAt is not null)
            {
                _askedAt = now;
            }
        }
    }
}
