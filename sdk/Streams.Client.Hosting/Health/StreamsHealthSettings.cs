namespace Streams.Client.Hosting;

/// <summary>From where on a client is degraded, and from where on unhealthy. <see langword="null"/>: never for that reason. By default
/// being offline never makes a device unhealthy: that is what the outbox is for.</summary>
public sealed class StreamsHealthSettings
{
    /// <summary>Degraded when no cluster has been connected for so long. Default 1 min.</summary>
    public TimeSpan? DegradedDisconnected { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Unhealthy when no cluster has been connected for so long. Default never.</summary>
    public TimeSpan? UnhealthyDisconnected { get; set; }

    /// <summary>Degraded when so many events wait. Default never.</summary>
    public long? DegradedEvents { get; set; }

    /// <summary>Unhealthy when so many events wait. Default never.</summary>
    public long? UnhealthyEvents { get; set; }

    /// <summary>Degraded when what waits takes so many percent of the outbox. Default 80; 1 to 100.</summary>
    public int? DegradedPercent { get; set; } = 80;

    /// <summary>Unhealthy when what waits takes so many percent of the outbox: publishing will wait soon. Default 95; 1 to 100.</summary>
    public int? UnhealthyPercent { get; set; } = 95;

    /// <summary>Degraded when the oldest event that waits is so old. Default 1 h.</summary>
    public TimeSpan? DegradedAge { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Unhealthy when the oldest event that waits is so old. Default never.</summary>
    public TimeSpan? UnhealthyAge { get; set; }

    /// <summary>All that is wrong.</summary>
    internal IEnumerable<string> Faults()
    {
        return Pair("Disconnected", DegradedDisconnected, UnhealthyDisconnected, TimeSpan.Zero, TimeSpan.MaxValue, "0 or more")
            .Concat(Pair("Events", DegradedEvents, UnhealthyEvents, 1, long.MaxValue, "1 or more"))
            .Concat(Pair("Percent", DegradedPercent, UnhealthyPercent, 1, 100, "1 to 100"))
            .Concat(Pair("Age", DegradedAge, UnhealthyAge, TimeSpan.Zero, TimeSpan.MaxValue, "0 or more"));

        static IEnumerable<string> Pair<T>(string what, T? degraded, T? unhealthy, T least, T most, string range)
            where T : struct, IComparable<T>
        {
            (string Level, T? Value)[] both = [("Degraded", degraded), ("Unhealthy", unhealthy)];
            foreach ((string level, T? value) in both)
            {
                if (value is { } limit && (limit.CompareTo(least) < 0 || limit.CompareTo(most) > 0))
                {
                    yield return $"Health:{level}{what} {limit}: {range}";
                }
            }
        }
    }
}
