namespace Streams.Client;

/// <summary>Milliseconds since 1970 that never go back within one process: the wall clock at the start, and what passed since.</summary>
internal sealed class SteadyClock(TimeProvider time)
{
    private readonly long _start = time.GetTimestamp();
    private readonly long _startMilliseconds = time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>The clock it stands on.</summary>
    public TimeProvider Time => time;

    /// <summary>Now.</summary>
    public long Milliseconds => _startMilliseconds + (long)time.GetElapsedTime(_start).TotalMilliseconds;
}
