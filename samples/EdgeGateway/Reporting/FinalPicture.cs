using System.Globalization;
using Spectre.Console;

namespace EdgeGateway;

/// <summary>What is shown at the end: every lane at every cluster, the story over a plot, what was found fault with, and the
/// verdict.</summary>
internal static class FinalPicture
{
    private const int PlotWidth = 100;
    private const string Levels = " ▁▂▃▄▅▆▇█";

    public static void Show(IAnsiConsole console, TextWriter output, GatewayReport report)
    {
        console.Write(LanePicture.Of(report.Clusters));
        foreach (StoryRecord record in report.Story)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{record.AtSeconds,6:0.0}s  {record.Text}"));
        }

        output.WriteLine(Plot("connected machines", report.Series, static p => p.Connected));
        output.WriteLine(Plot("waiting at machines", report.Series, static p => p.AtMachines));
        output.WriteLine(Plot("waiting at the agent", report.Series, static p => p.AtAgent));
        output.WriteLine(Plot("agent memory, MB", report.Series, static p => p.MemoryMegabytes));
        output.WriteLine(Plot("agent store, MB", report.Series, static p => p.StoreMegabytes));
        Percentiles resume = report.ResumeMilliseconds;
        if (resume.Count > 0)
        {
            output.WriteLine($"{resume.Count} times a machine went on after a kill of the agent: "
                + $"p50 {resume.P50:0} ms, p99 {resume.P99:0} ms, max {resume.Max:0} ms");
        }

        output.WriteLine($"publish to back end: calm p50 {report.CalmMilliseconds.P50:0.0} ms, p99 {report.CalmMilliseconds.P99:0} ms; "
            + $"all p50 {report.AllMilliseconds.P50:0.0} ms, p99 {report.AllMilliseconds.P99:0} ms, max {report.AllMilliseconds.Max:0} ms");
        output.WriteLine($"agent: at most {report.Agent.PeakMemoryMegabytes:0} MB of memory, {report.Agent.PeakWaiting} events waiting, "
            + $"{report.Agent.BytesUp / (double)Math.Max(1, report.Acknowledged):0} bytes up for an event, {report.Agent.Dropped} dropped");
        output.WriteLine($"load {report.Durations.LoadSeconds:0.0} s, drained in {report.Durations.DrainSeconds:0.0} s, "
            + $"{report.Reconnects} reconnects, {report.RepeatedByMachines} repeated by machines with QoS 1, "
            + $"{report.CommandsRepeated} commands given again, {report.Twins} events stored twice, {report.OrderReleased} released out of "
            + $"patience, seed {report.Seed}");
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

    internal static string VerdictLine(GatewayReport report) => $"VERDICT {(report.Passed ? "PASS" : "FAIL")}: "
        + $"{report.Acknowledged} acknowledged, {report.Delivered} delivered, "
        + $"{report.Lost} lost, {report.Duplicates} twice, {report.OutOfOrder} out of order; "
        + $"{report.CommandsDelivered} of {report.CommandsSent} commands delivered, {report.CommandsLost} lost, "
        + $"{report.CommandDuplicates} twice, {report.CommandsOutOfOrder} out of order; "
        + $"{report.OffsetMismatches} offset mismatches, {report.LaneDifferences} lane differences, "
        + $"{report.Unexpected} unexpected, {report.Failures} failures";

    /// <summary>A row of blocks, the highest of each stretch; and the highest of all.</summary>
    internal static string Plot(string name, IReadOnlyList<SeriesPoint> series, Func<SeriesPoint, double> value)
    {
        double highest = Math.Max(1e-9, series.Count == 0 ? 0 : series.Max(value));
        int width = Math.Min(PlotWidth, series.Count);
        char[] blocks = new char[width];
        for (int i = 0; i < width; i++)
        {
            int from = i * series.Count / width;
            int to = Math.Max(from + 1, (i + 1) * series.Count / width);
            double most = series.Skip(from).Take(to - from).Max(value);
            blocks[i] = Levels[(int)Math.Ceiling(most / highest * (Levels.Length - 1))];
        }

        return string.Create(CultureInfo.InvariantCulture, $"{name,-22}{new string(blocks)}  max {(highest < 1e-6 ? 0 : highest):0.#}");
    }
}
