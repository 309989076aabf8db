namespace Streams.Faults;

/// <summary>Everything counted, as it is written to a file: what was asked for, the machine, and a record for each row.</summary>
internal sealed record TableReport(
    int Seed, int RunsAsked, string Sabotage, DateTimeOffset Ended, double Seconds, int Processors, string System, string Runtime,
    IReadOnlyList<TableReport.RowReport> Rows)
{
    public static TableReport Of(TableOptions options, IReadOnlyList<RowResult> results, TimeSpan took) => new(
        options.Seed, options.Runs, options.Sabotage.ToString(), TimeProvider.System.GetUtcNow(), took.TotalSeconds,
        Environment.ProcessorCount, Environment.OSVersion.VersionString, Environment.Version.ToString(),
        [
            .. results.Select(result => new RowReport(
                result.Row.Name, result.Row.What, result.Skipped, result.IsGood, result.Runs, result.Tally,
                [.. result.GoneOnAfter.Select(after => after.TotalSeconds)])),
        ]);

    /// <summary>One row; times in seconds.</summary>
    internal sealed record RowReport(
        string Name, string What, string? Skipped, bool IsGood, int Runs, Tally Counted, IReadOnlyList<double> GoesOnAfterSeconds);
}
