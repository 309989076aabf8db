namespace Streams.Cli;

/// <summary>Keeps a rate: the n-th event comes no earlier than n / rate after the first. What was late is caught up with.</summary>
internal sealed class Pace(double? perSecond, TimeProvider time)
{
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(1);

    private readonly long _began = time.GetTimestamp();
    private long _events;

    /// <summary>How far the next event is ahead of its time.</summary>
    public TimeSpan Ahead => perSecond is { } rate ? TimeSpan.FromSeconds(_events / rate) - time.GetElapsedTime(_began) : TimeSpan.Zero;

    /// <summary>Waits until the next event may come.</summary>
    public async ValueTask NextAsync(CancellationToken cancellationToken)
    {
        TimeSpan ahead = Ahead;
        _events++;
        if (ahead > Least)
        {
            await Task.Delay(ahead, time, cancellationToken);
        }
    }
}
