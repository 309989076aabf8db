using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Streams.Faults;

/// <summary>The fault table by hand: progress on the way, the table at the end.</summary>
internal static class TableProgram
{
    private const int FindingsShown = 20;

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static async Task<int> RunAsync(string[] arguments, TextWriter output)
    {
        if (arguments.Contains("--help") || arguments.Contains("-h"))
        {
            await output.WriteLineAsync(TableOptions.Usage);
            return 0;
        }

        if (TableOptions.TryParse(arguments, out var options) is { } fault)
        {
            await Console.Error.WriteLineAsync(fault);
            await Console.Error.WriteLineAsync("table --help tells what there is");
            return 2;
        }

        if (options.IsList)
        {
            foreach (var row in options.Rows)
            {
                await output.WriteLineAsync($"{row.Name,-34}{row.What}");
            }

            return 0;
        }

        return await PlayAsync(options, output);
    }

    private static async Task<int> PlayAsync(TableOptions options, TextWriter output)
    {
        var started = Stopwatch.GetTimestamp();
        List<RowResult> results = [];
        await output.WriteLineAsync(TableText.TerminalHead);
        foreach (var (index, row) in options.Rows.Index())
        {
            var result = await RowPlayer.PlayAsync(
                row, options, run => ProgressAsync($"{index + 1}/{options.Rows.Count} {row.Name}: run {run} of {options.Runs}"));
            results.Add(result);
            await ProgressAsync("");
            await output.WriteLineAsync(TableText.Line(result));
            foreach (var finding in result.Tally.Findings.Take(FindingsShown))
            {
                await output.WriteLineAsync($"    {finding}");
            }
        }

        var took = Stopwatch.GetElapsedTime(started);
        var bad = results.Count(result => result.IsBad);
        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture, $"{results.Count} rows, {bad} of them bad, {took.TotalMinutes:0.0} min, seed {options.Seed}"));
        await WriteAsync(options, results, took);
        return bad > 0 ? 1 : 0;
    }

    private static async Task WriteAsync(TableOptions options, List<RowResult> results, TimeSpan took)
    {
        if (options.Report is { } report)
        {
            await File.WriteAllTextAsync(report, JsonSerializer.Serialize(TableReport.Of(options, results, took), Indented) + "\n");
        }

        if (options.Markdown is { } file)
        {
            var title = string.Create(
                CultureInfo.InvariantCulture,
                $"{TimeProvider.System.GetUtcNow():d MMMM yyyy}, `--seed {options.Seed} --runs {options.Runs}`, "
                + $"{took.TotalMinutes:0} minutes, "
                + $"{Environment.ProcessorCount} processors, {Environment.OSVersion.VersionString}, .NET {Environment.Version}.");
            var document = await File.ReadAllTextAsync(file);
            await File.WriteAllTextAsync(file, TableText.Put(document, TableText.Markdown(results, title)));
        }
    }

    // Only people look at it: nothing of it goes into a pipe.
    private static Task ProgressAsync(string text) => Console.IsErrorRedirected
        ? text.Length == 0 ? Task.CompletedTask : Console.Error.WriteLineAsync(text)
        : Console.Error.WriteAsync($"\r{text,-78}{(text.Length == 0 ? "\r" : "")}");
}
