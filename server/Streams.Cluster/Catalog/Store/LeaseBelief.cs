namespace Streams.Cluster;

/// <summary>How long a holder may believe in its lease: never longer than the store does.</summary>
/// <remarks>The store counts from when it got the request, the holder from before it was sent, and gives up a twentieth of the time for
/// clocks that run at different speeds. Both the monotonic and the wall clock are asked and the greater elapsed time counts: the
/// monotonic one stands still while a machine sleeps, the wall clock can be set back.</remarks>
/// <param name="Sent">The monotonic timestamp taken before the request was sent that the store granted or kept alive.</param>
/// <param name="SentWall">The wall clock at the same moment.</param>
/// <param name="TimeToLive">What the store answered.</param>
public readonly record struct LeaseBelief(long Sent, DateTimeOffset SentWall, TimeSpan TimeToLive)
{
    private const int MarginPart = 20;

    /// <summary>The moment before a request is sent.</summary>
    public static LeaseBelief Now(TimeProvider time) => new(time.GetTimestamp(), time.GetUtcNow(), TimeSpan.Zero);

    /// <summary>What is left of the lease; zero when it may no longer be believed in.</summary>
    public TimeSpan Remaining(TimeProvider time)
    {
        TimeSpan elapsed = time.GetElapsedTime(Sent);
        TimeSpan wall = time.GetUtcNow() - SentWall;
        TimeSpan left = TimeToLive - (TimeToLive / MarginPart) - (elapsed > wall ? elapsed : wall);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}
