namespace Streams.Cluster;

/// <summary>The limits of a container's replication.</summary>
public sealed record ReplicaRules
{
    /// <summary>Fewest replicas in sync with which anything is committed. Default 2.</summary>
    public int MinInSync { get; init; } = 2;

    /// <summary>A primary sends a sign of life after so long. Default 200 ms.</summary>
    public TimeSpan BeatEvery { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>What is not answered is sent again after so long. Default 1 s.</summary>
    public TimeSpan ResendAfter { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>One in sync that makes no headway for so long is dropped, as long as enough are left. Default 3 s.</summary>
    public TimeSpan DropAfter { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>One that is so few records behind joins. Default 1,000.</summary>
    public long JoinWithin { get; init; } = 1000;

    /// <summary>Most records sent to one and not answered. Default 10,000.</summary>
    public long Window { get; init; } = 10_000;

    /// <summary>Most records in a frame. Default 500.</summary>
    public long FrameRecords { get; init; } = 500;

    /// <summary>Of several that could take over each waits so much longer than the one before. Default 300 ms.</summary>
    public TimeSpan TakeOverStagger { get; init; } = TimeSpan.FromMilliseconds(300);

    /// <summary>A proposal without an answer is made again after so long. Default 2 s.</summary>
    public TimeSpan ProposeAgainAfter { get; init; } = TimeSpan.FromSeconds(2);
}
