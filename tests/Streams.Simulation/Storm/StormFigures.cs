namespace Streams.Simulation;

/// <summary>What was seen of one storm.</summary>
/// <param name="Peak">Most attempts in one second at any one cluster that is there, until the lost one is back.</param>
/// <param name="PeakAtLost">Most attempts in one second at the one that is lost.</param>
/// <param name="Attempts">All attempts until it is back.</param>
/// <param name="Refused">Attempts answered with "busy", in the whole run.</param>
/// <param name="Unanswered">Attempts not answered in time, in the whole run.</param>
/// <param name="Served">Devices served again.</param>
/// <param name="P50">How long half of them waited.</param>
/// <param name="P99">How long 99 of 100 waited at most.</param>
/// <param name="Longest">How long the last waited.</param>
/// <param name="PeakBack">Most attempts in one second at any one cluster after the lost one is back.</param>
/// <param name="Home">Devices that are back at the end.</param>
/// <param name="HomeAfter">When the run ended, after the return.</param>
/// <param name="BySecond">Attempts in each second after the loss at the cluster that had most.</param>
internal sealed record StormFigures(int Peak, int PeakAtLost, long Attempts, int Refused, int Unanswered, int Served, TimeSpan P50,
    TimeSpan P99, TimeSpan Longest, int PeakBack, int Home, TimeSpan HomeAfter, IReadOnlyList<int> BySecond)
{
    public static StormFigures Of(IReadOnlyList<StormCluster> clusters, IReadOnlyList<StormDevice> devices, TimeSpan end)
    {
        int lost = (int)StormWorld.LostAt.TotalSeconds;
        int back = (int)StormWorld.BackAt.TotalSeconds;
        List<TimeSpan> waits = [.. devices.Where(static d => d.ServedAt is not null)
            .Select(static d => d.ServedAt!.Value - StormWorld.LostAt).Order()];
        StormCluster busiest = clusters.Skip(1).MaxBy(c => MostOf(c, lost, back))!;
        return new StormFigures(
            MostOf(busiest, lost, back),
            MostOf(clusters[0], lost, back),
            clusters.Sum(c => c.Attempts.Skip(lost).Take(back - lost).Sum(static n => (long)n)),
            clusters.Sum(static c => c.Refused),
            clusters.Sum(static c => c.Unanswered),
            waits.Count,
            Part(waits, 0.5),
            Part(waits, 0.99),
            Part(waits, 1),
            clusters.Max(c => MostOf(c, back, int.MaxValue)),
            clusters[0].Devices,
            end - StormWorld.BackAt,
            [.. busiest.Attempts.Skip(lost).Take(back - lost)]);
    }

    private static int MostOf(StormCluster cluster, int from, int to) => cluster.Attempts.Skip(from).Take(to - from).DefaultIfEmpty().Max();

    private static TimeSpan Part(List<TimeSpan> waits, double part) =>
        waits.Count == 0 ? TimeSpan.MaxValue : waits[Math.Max(0, (int)Math.Ceiling(waits.Count * part) - 1)];
}
