namespace Streams.Gateways;

/// <summary>What a reader of one partition may take and how long it waits.</summary>
/// <param name="Patience">How long a batch waits for another lane (rule R15); default 30 s.</param>
/// <param name="MaxReadAheadBytes">A reader asks for nothing more once so many bytes wait; default 256 KiB. One batch may go over
/// it.</param>
/// <param name="AdvanceDelay">How long the news of a stretch with nothing for a subscription may be held to be told with the next;
/// default 100 ms.</param>
/// <param name="MaxCoveredRuns">Most producer runs that one such news names; default 256.</param>
public sealed record ReaderLimits(TimeSpan Patience, int MaxReadAheadBytes, TimeSpan AdvanceDelay, int MaxCoveredRuns)
{
    /// <summary>The defaults.</summary>
    public static readonly ReaderLimits Default = new(TimeSpan.FromSeconds(30), 256 << 10, TimeSpan.FromMilliseconds(100), 256);
}

/// <summary>What a reader has counted since it began; never reset.</summary>
public struct ReaderCounts
{
    /// <summary>Events given.</summary>
    public long Given;

    /// <summary>Copies of events that had been passed, skipped (rule R10).</summary>
    public long TwinsSkipped;

    /// <summary>Events that retention took before they were read.</summary>
    public long GapEvents;

    /// <summary>Batches let through because an awaited incarnation is closed (rule R15).</summary>
    public long ReleasedClosed;

    /// <summary>Batches let through because patience ran out (rule R15): possible inversions.</summary>
    public long ReleasedByPatience;
}
