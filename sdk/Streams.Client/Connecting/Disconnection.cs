namespace Streams.Client;

/// <summary>How long no cluster has been connected. Safe for use by many threads.</summary>
internal sealed class Disconnection(TimeProvider time)
{
    private const long Connected = -1;
    private long _since = time.GetTimestamp();

    /// <summary>For how long; zero while one is connected.</summary>
    public TimeSpan Lasts => Interlocked.Read(ref _since) is var since && since == Connected ? TimeSpan.Zero : time.GetElapsedTime(since);

    /// <summary>A connection came or went.</summary>
    public void Note(bool isConnected)
    {
        if (isConnected)
        {
            Interlocked.Exchange(ref _since, Connected);
        }
        else
        {
            Interlocked.CompareExchange(ref _since, time.GetTimestamp(), Connected);
        }
    }
}
