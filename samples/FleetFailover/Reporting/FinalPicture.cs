using Spectre.Console;

namespace FleetFailover;

/// <summary>What is shown at the end: every lane at every cluster, what was found fault with, and the verdict.</summary>
internal static class FinalPicture
{
    private const int HashShown = 12;

    public static void Show(IAnsiConsole console, TextWriter output, RunReport report)
    {
        console.Write(Lanes(report));
        foreach (KillRecord kill in report.Kills)
        {
            output.WriteLine($"{kill.Cluster} was killed {kill.AtSeconds:0.0} s into the load, with {kill.CarsConnected} cars on it, "
                + (kill.DownSeconds is { } down ? $"and was back after {down:0.0} s" : "and never came back"));
        }

        if (report.ResumeMilliseconds is { Count: > 0 } resume)
        {
            output.WriteLine($"{resume.Count} times a car went on at another cluster: "
                + $"p50 {resume.P50:0} ms, p99 {resume.P99:0} ms, max {resume.Max:0} ms after the kill");
        }

        output.WriteLine($"load {report.Durations.LoadSeconds:0.0} s, drained in {report.Durations.DrainSeconds:0.0} s, "
            + $"{report.Reconnects} reconnects, {report.Twins} events stored twice, {report.OrderReleased} released out of patience, "
            + $"seed {report.Seed}");
        if (report.SabotageDone is { } deed)
        {
            output.WriteLine($"sabotage: {deed}");
        }

        foreach (ReportedFinding finding in report.Findings)
        {
            output.WriteLine($"  {finding.Kind}: {finding.Text}");
        }

        output.WriteLine(VerdictLine(report));
    }

    internal static string VerdictLine(RunReport report) => $"VERDICT {(report.Passed ? "PASS" : "FAIL")}: "
        + $"{report.Published} published, {report.Acknowledged} acknowledged, {report.Delivered} delivered, "
        + $"{report.Lost} lost, {report.Duplicates} twice, {report.OutOfOrder} out of order; "
        + $"{report.CommandsDelivered} of {report.CommandsSent} commands delivered, {report.CommandsLost} lost, "
        + $"{report.CommandDuplicates} twice, {report.CommandsOutOfOrder} out of order; "
        + $"{report.OffsetMismatches} offset mismatches, {report.LaneDifferences} lane differences, "
        + $"{report.Unexpected} unexpected, {report.Failures} failures";

    private static Table Lanes(RunReport report)
    {
        Table table = new Table().Border(TableBorder.Rounded).Title("every lane, as each cluster holds it: next offset and SHA-256");
        table.AddColumns("stream", "partition", "origin");
        foreach (ReportedCluster cluster in report.Clusters)
        {
            table.AddColumn(cluster.Name);
        }

        var lanes = report.Clusters.SelectMany(cluster => cluster.Lanes)
            .Select(lane => (lane.Stream, lane.Partition, lane.Origin)).Distinct().Order();
        foreach ((string stream, int partition, string origin) in lanes)
        {
            table.AddRow([stream, $"{partition}", origin, .. report.Clusters.Select(cluster => cluster.Lanes
                .FirstOrDefault(lane => lane.Stream == stream && lane.Partition == partition && lane.Origin == origin) is { } lane
                    ? $"{lane.Next} {lane.Sha256[..HashShown]}"
                    : "missing")]);
        }

        return table;
    }
}
