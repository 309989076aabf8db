namespace Streams.Client;

/// <summary>A bucket of bytes that fills with time. As long as something is in it a batch may go, whatever its size; that takes it below
/// zero, and what follows waits until the debt is filled.</summary>
/// <remarks>Pure; time is a steady one, since any fixed moment, so no jump of the wall clock gives or takes bytes. Not safe for several
/// threads.</remarks>
internal sealed class TokenBucket
{
    private const double Window = 1.0;                // seconds of the rate that may go at once behind a quiet time

    private double _bytes;
    private TimeSpan _at;
    private bool _began;

    /// <summary>Lets time pass at so many bytes a second; 0 fills nothing.</summary>
    public void Fill(TimeSpan now, long bytesPerSecond)
    {
        double most = bytesPerSecond * Window;
        if (!_began)
        {
            _began = true;
            _bytes = most;
            _at = now;
            return;
        }

        if (now > _at)
        {
            _bytes += (now - _at).TotalSeconds * bytesPerSecond;
            _at = now;
        }

        _bytes = Math.Min(_bytes, most);
    }

    /// <summary>How long until something may go, at this rate; the longest time there is at 0.</summary>
    public TimeSpan Until(long bytesPerSecond)
    {
        double seconds = _bytes > 0 ? 0 : (1 - _bytes) / bytesPerSecond;
        return bytesPerSecond == 0 || seconds >= TimeSpan.MaxValue.TotalSeconds ? TimeSpan.MaxValue
            : TimeSpan.FromTicks((long)Math.Ceiling(seconds * TimeSpan.TicksPerSecond));
    }

    /// <summary>So many bytes went, with or without having waited.</summary>
    public void Take(long bytes) => _bytes -= bytes;

    /// <summary>No rate holds: what was owed is forgotten.</summary>
    public void Clear() => _began = false;
}
