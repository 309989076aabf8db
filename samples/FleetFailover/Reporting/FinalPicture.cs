using Spectre.Console;

namespace FleetFailover;

/// <summary>What is shown at the end: every lane at every cluster, what was found fault with, and the verdict.</summary>
internal static class FinalPicture
{
    public static void Show(IAnsiConsole console, TextWriter output, RunReport report)
    {
        console.Write(LanePicture.Of(report.Clusters));
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
}
