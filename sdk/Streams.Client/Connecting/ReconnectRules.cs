namespace Streams.Client;

/// <summary>The times of a <see cref="ReconnectPlan"/>.</summary>
/// <param name="First">First pause between rounds.</param>
/// <param name="Longest">Longest pause between rounds; also how long a cluster that failed twice in a row is passed over while others
/// answer.</param>
/// <param name="AvoidFor">How long a cluster that takes connections and is good for nothing comes last.</param>
internal readonly record struct ReconnectRules(TimeSpan First, TimeSpan Longest, TimeSpan AvoidFor)
{
    /// <summary>Failures in a row after which a cluster is passed over for <see cref="Longest"/>.</summary>
    public const int FailuresToRest = 2;

    /// <summary>Sessions in a row that a cluster took and ended at once, after which it comes last for <see cref="AvoidFor"/>.</summary>
    public const int DropsToRest = 3;

    /// <summary>Of a wait that a cluster asks for, so much is added at random at most: clients told the same come apart.</summary>
    public const double RetryJitter = 0.25;

    /// <summary>Longest wait that a client believes a cluster.</summary>
    public static readonly TimeSpan LongestRetryAfter = TimeSpan.FromMinutes(5);

    /// <summary>So soon a client that one cluster sent away tries the others at the latest: they may have room.</summary>
    public static readonly TimeSpan LongestToOthers = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan AvoidWithoutFailBack = TimeSpan.FromSeconds(30);

    /// <summary>The rules of a client.</summary>
    public static ReconnectRules Of(ClusterOptions options) => new(options.ConnectBackoff.First, options.ConnectBackoff.Longest,
        options.FailBackAfter == Timeout.InfiniteTimeSpan ? AvoidWithoutFailBack : options.FailBackAfter);

    /// <summary>The pause behind so many fruitless tries, 1 and more: doubled each time, half of it at random.</summary>
    public TimeSpan Backoff(int tries, double chance)
    {
        TimeSpan pause = First * ((0.5 + (chance / 2)) * Math.Pow(2, Math.Min(tries - 1, 20)));
        return pause < Longest ? pause : Longest * (0.5 + (chance / 2));
    }
}
