namespace Streams.Client;

/// <summary>Decides how great batches are, how many may be under way, and whether waiting for more events pays.</summary>
/// <remarks>Pure: time (since any fixed moment) is an argument. Not safe for several threads. What is idle is sent at once; only while
/// something is under way do events wait for others, at most <c>linger</c>, or until there are as many bytes as arrive in half a
/// round trip. Size and number of batches begin small in each session and grow with full batches that are answered soon, so that a
/// slow line is never given more than it carries before the answer counts as lost.</remarks>
internal sealed class BatchPacer(int maxBatchBytes, int maxInFlight, TimeSpan linger, TimeSpan answerTimeout)
{
    /// <summary>No batch is held to less; one event may be greater.</summary>
    public const int SmallestBatch = 4 << 10;

    private const int FirstBatch = 16 << 10;
    private const int FirstInFlight = 2;
    private const int LeastTarget = 512;
    private const double RateWindow = 1.0;            // seconds over which the load is taken
    private const double RttSmoothing = 0.125;

    private readonly double _soon = answerTimeout.TotalSeconds / 8;
    private readonly double _late = answerTimeout.TotalSeconds / 4;
    private readonly int _smallest = Math.Min(SmallestBatch, maxBatchBytes);
    private int _firstBatch = Math.Min(FirstBatch, maxBatchBytes);
    private int _firstInFlight = Math.Min(FirstInFlight, maxInFlight);
    private double _rate;
    private double _rtt;
    private TimeSpan _rateAt;
    private TimeSpan _waitsSince;
    private long _waiting;
    private bool _isBacklog;
    private bool _wasLate;

    /// <summary>Whether others go before it on the same connection: it then keeps so little under way that they do not wait long behind
    /// it.</summary>
    public bool Yields
    {
        get => Yielding is not null;
        init => Yielding = value ? new YieldingWindow(_smallest, (int)Math.Min((long)maxBatchBytes * maxInFlight, int.MaxValue)) : null;
    }

    /// <summary>Most bytes of the next batch, before compression.</summary>
    public int BatchLimit { get; private set; } = Math.Min(FirstBatch, maxBatchBytes);

    /// <summary>Batches that may be under way.</summary>
    public int InFlightLimit { get; private set; } = Math.Min(FirstInFlight, maxInFlight);

    /// <summary>Bytes at which waiting for more ends: what arrives in half a round trip.</summary>
    public int Target => (int)Math.Clamp(_rate * _rtt / 2, Math.Min(LeastTarget, BatchLimit), BatchLimit);

    /// <summary>A session begins: the line may be another.</summary>
    public void SessionBegan()
    {
        BatchLimit = Math.Min(BatchLimit, _firstBatch);
        InFlightLimit = Math.Min(InFlightLimit, _firstInFlight);
        _wasLate = false;
        _isBacklog = false;
        _rtt = 0;
        Yielding?.Begin();
        Follow();
    }

    /// <summary>Events were published.</summary>
    public void Arrived(long bytes, TimeSpan now)
    {
        Decay(now);
        _rate += bytes / RateWindow;
        if (_waiting == 0)
        {
            _waitsSince = now;
        }

        _waiting += bytes;
    }

    /// <summary>A batch goes on its way.</summary>
    /// <param name="bytes">Its bytes before compression.</param>
    /// <param name="isMore">Whether it was full and more waits behind it: that waits for nobody.</param>
    /// <param name="isLast">Whether nothing waits now.</param>
    /// <param name="now">The time.</param>
    public void Cut(int bytes, bool isMore, bool isLast, TimeSpan now)
    {
        _waiting = isLast ? 0 : Math.Max(0, _waiting - bytes);
        _waitsSince = now;
        _isBacklog = isMore;
    }

    /// <summary>How long to wait for more events before the next batch.</summary>
    public TimeSpan Wait(int inFlight, TimeSpan now)
    {
        Decay(now);
        if (inFlight == 0 || _isBacklog || _waiting == 0 || _waiting >= Target)
        {
            return TimeSpan.Zero;
        }

        TimeSpan left = linger - (now - _waitsSince);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    /// <summary>A batch was answered.</summary>
    /// <param name="bytes">Its bytes before compression.</param>
    /// <param name="took">How long it was under way.</param>
    public void Answered(int bytes, TimeSpan took)
    {
        double seconds = took.TotalSeconds;
        _rtt = _rtt == 0 ? seconds : _rtt + (RttSmoothing * (seconds - _rtt));
        if (Yielding is not null)
        {
            Yielding.Answered(bytes, seconds);
            Follow();
        }
        else if (seconds > _late)
        {
            Shrink();
        }
        else if (seconds <= _soon)
        {
            InFlightLimit = Math.Min(InFlightLimit + 1, maxInFlight);
            if (bytes >= BatchLimit - (BatchLimit / 4))
            {
                BatchLimit = Math.Min(BatchLimit * 2, maxBatchBytes);
            }

            _firstBatch = Math.Min(Math.Max(_firstBatch, BatchLimit), Math.Min(FirstBatch, maxBatchBytes));
            _firstInFlight = Math.Min(Math.Max(_firstInFlight, InFlightLimit), Math.Min(FirstInFlight, maxInFlight));
        }
    }

    /// <summary>A batch was under way for so long when its session ended.</summary>
    public void Unanswered(TimeSpan since)
    {
        if (since.TotalSeconds >= answerTimeout.TotalSeconds / 2 && !_wasLate)
        {
            _wasLate = true;
            BatchLimit = _firstBatch = Math.Max(_smallest, Math.Min(BatchLimit, _firstBatch) / 4);
            InFlightLimit = _firstInFlight = 1;
        }
    }

    private YieldingWindow? Yielding { get; init; }

    // Small batches: the time that a batch takes on the line is delay, too.
    private void Follow()
    {
        if (Yielding is not null)
        {
            BatchLimit = Math.Clamp(Yielding.Bytes / Math.Min(16, maxInFlight), _smallest, maxBatchBytes);
            InFlightLimit = Math.Clamp(Yielding.Bytes / BatchLimit, 1, maxInFlight);
        }
    }

    // One batch after the other is as slow as it gets; then smaller ones.
    private void Shrink()
    {
        if (InFlightLimit > 1)
        {
            InFlightLimit = Math.Max(1, InFlightLimit / 2);
        }
        else
        {
            BatchLimit = Math.Max(_smallest, BatchLimit / 2);
        }
    }

    private void Decay(TimeSpan now)
    {
        double passed = (now - _rateAt).TotalSeconds;
        if (passed > 0)
        {
            _rate *= Math.Exp(-passed / RateWindow);
            _rateAt = now;
        }
    }
}
