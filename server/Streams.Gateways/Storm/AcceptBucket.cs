namespace Streams.Gateways;

/// <summary>How many connections are taken in a second: a token bucket that remembers whom it sent away. Each one refused is told a moment
/// of its own, one after the other at the same rate, so that a crowd comes back as a queue and not as a crowd.</summary>
/// <remarks>Pure: the time, since any fixed moment, is an argument. Not safe for several threads. What is told is no reservation: who
/// comes when there is room is taken.</remarks>
/// <param name="perSecond">Connections a second, more than 0; so many at once after a quiet second.</param>
/// <param name="longestWait">Longest wait told: behind it the queue is not believed any more.</param>
internal sealed class AcceptBucket(int perSecond, TimeSpan longestWait)
{
    private readonly TimeSpan _each = TimeSpan.FromSeconds(1) / perSecond;
    private TimeSpan _full;
    private TimeSpan _promised;

    /// <summary>Takes a connection: <see langword="null"/>. Or tells how long it should wait.</summary>
    public TimeSpan? TryTake(TimeSpan now)
    {
        // The bucket is empty when it would be full only after a second.
        TimeSpan full = (_full > now ? _full : now) + _each;
        if (full - now <= TimeSpan.FromSeconds(1))
        {
            _full = full;
            return null;
        }

        _promised = (_promised > now ? _promised : now) + _each;
        if (_promised - now > longestWait)
        {
            _promised = now + longestWait;
        }

        return _promised - now;
    }
}
