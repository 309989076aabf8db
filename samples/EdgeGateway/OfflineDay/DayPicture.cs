using System.Globalization;

namespace EdgeGateway;

/// <summary>What is shown of a day offline at its end.</summary>
internal static class DayPicture
{
    public static void Show(TextWriter output, DayReport report)
    {
        output.WriteLine(FinalPicture.Plot("waiting at the agent", report.Series, static p => p.AtAgent));
        output.WriteLine(FinalPicture.Plot("agent memory, MB", report.Series, static p => p.MemoryMegabytes));
        output.WriteLine(FinalPicture.Plot("agent store, MB", report.Series, static p => p.StoreMegabytes));
        output.WriteLine(Text($"{report.SimulatedHours:0.0} hours offline: {report.Offline} events in {report.OfflineSeconds:0.0} s"));
        if (report.ClockNotSet is { } why)
        {
            output.WriteLine($"the agent's clock was NOT set: {why}");
        }

        output.WriteLine(Text($"store: at most {report.StorePeak / 1048576.0:0.0} of {report.StoreLimit / 1048576.0:0.0} MiB; ")
            + Text($"memory: {report.MemoryEarly:0} MB early, {report.MemoryLate:0} MB late, {report.MemoryDraining:0} MB draining"));
        output.WriteLine(Text($"backlog: {report.Backlog} events in {report.DrainSeconds:0.0} s, {report.DrainPerSecond} a second"));
        output.WriteLine($"live, while it drained: acknowledged {Line(report.LiveAcknowledged)}; "
            + $"at the back end {Line(report.LiveDelivered)}");
        output.WriteLine($"live, afterwards: at the back end {Line(report.LiveAfterwards)}");
        foreach (string fault in report.Faults)
        {
            output.WriteLine($"  {fault}");
        }

        output.WriteLine($"VERDICT {(report.Passed ? "PASS" : "FAIL")}: {report.Acknowledged} acknowledged, {report.Delivered} delivered, "
            + $"{report.Missing} missing, {report.Dropped} dropped as declared, {report.OutOfOrderOrTwice} out of order or twice");
    }

    private static string Line(Percentiles of) => Text($"p50 {of.P50:0.0} ms, p99 {of.P99:0} ms, max {of.Max:0} ms ({of.Count})");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
