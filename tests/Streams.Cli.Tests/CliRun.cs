using System.Text;
using System.Text.Json;

namespace Streams.Cli.Tests;

/// <summary>A command line that was run in this process, and what came of it.</summary>
internal sealed record CliRun(ExitCode Code, string Out, string Error)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    public string[] Lines => Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public IReadOnlyList<JsonElement> Json => [.. Lines.Select(static line => JsonDocument.Parse(line).RootElement)];

    public override string ToString() => $"{Code}\n{Out}\n{Error}";

    public static Task<CliRun> RunAsync(params string[] arguments) => WithInputAsync("", arguments);

    public static async Task<CliRun> WithInputAsync(string input, params string[] arguments)
    {
        using CancellationTokenSource limit = new(Limit);
        using MemoryStream output = new();
        using StringWriter error = new();
        using MemoryStream given = new(Encoding.UTF8.GetBytes(input));
        ExitCode code = await CliProgram.RunAsync(arguments, new CliTerminal(given, output, error, false), limit.Token);
        CliRun run = new(code, Encoding.UTF8.GetString(output.ToArray()), error.ToString());

        // Whatever happens: never a stack trace, and every line of a fault says who speaks.
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
        Assert.All(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), static line => Assert.StartsWith("streams: ", line));
        return run;
    }

    /// <summary>Runs one that must end well.</summary>
    public static async Task<CliRun> GoodAsync(params string[] arguments)
    {
        CliRun run = await RunAsync(arguments);
        Assert.True(run.Code == ExitCode.Done, $"{string.Join(' ', arguments)}: {run}");
        return run;
    }
}
