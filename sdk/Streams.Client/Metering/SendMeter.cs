namespace Streams.Client;

/// <summary>Holds batches to a <see cref="SendCap"/>: tells how long the next one waits, and counts what goes.</summary>
/// <remarks>Safe for use by many threads. The wall clock only picks the rate; bytes are counted by the steady one.</remarks>
internal sealed class SendMeter(SendCap cap, TimeProvider time)
{
    /// <summary>So soon the rate is looked up again at the latest: a window may begin, and the clock may jump.</summary>
    public static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(15);

    private const int LeastBatch = 1024;

    private readonly Lock _lock = new();
    private readonly SendSchedule _schedule = new(cap);
    private readonly TokenBucket _bucket = new();

    /// <summary>Most bytes of a batch now: a second's worth, so that others get their turn.</summary>
    public int BatchLimit =>
        _schedule.RateAt(time.GetUtcNow()) is { } rate ? (int)Math.Clamp(rate, LeastBatch, int.MaxValue) : int.MaxValue;

    /// <summary>Zero when a batch may go now; else how long to wait before asking again.</summary>
    public TimeSpan Wait()
    {
        lock (_lock)
        {
            if (_schedule.RateAt(time.GetUtcNow()) is not { } rate)
            {
                _bucket.Clear();
                return TimeSpan.Zero;
            }

            _bucket.Fill(time.GetElapsedTime(0), rate);
            TimeSpan until = _bucket.Until(rate);
            return until < LongestLook ? until : LongestLook;
        }
    }

    /// <summary>So many bytes go. While nothing may be sent they are not counted: acknowledgements of a night would else be owed by the
    /// morning.</summary>
    public void Sent(int bytes)
    {
        lock (_lock)
        {
            if (_schedule.RateAt(time.GetUtcNow()) is { } rate and > 0)
            {
                _bucket.Fill(time.GetElapsedTime(0), rate);
                _bucket.Take(bytes);
            }
        }
    }
}
