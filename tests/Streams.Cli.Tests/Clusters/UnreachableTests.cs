using Streams.Testing;

namespace Streams.Cli.Tests;

public sealed class UnreachableTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly string _nobody = $"sj=127.0.0.1:{FreePort.Next()}";

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Publishing_without_a_cluster_ends_in_time_and_keeps_the_event()
    {
        string outbox = _directory.Combine("outbox.db");

        CliRun run = await CliRun.RunAsync("publish", "/fleet", "t", "x", "--outbox", outbox, "--timeout", "300ms", "--cluster", _nobody);

        Assert.Equal(ExitCode.Unreachable, run.Code);
        Assert.Contains("1 of 1 events are not stored", run.Error, StringComparison.Ordinal);
        Assert.Contains("Cannot connect to sj", run.Error, StringComparison.Ordinal);
        Assert.Single((await CliRun.GoodAsync("outbox", "export", outbox)).Lines);
    }

    [Fact]
    public async Task A_temporary_outbox_with_events_is_kept_and_named()
    {
        CliRun run = await CliRun.RunAsync("publish", "/fleet", "t", "x", "--timeout", "300ms", "--cluster", _nobody);

        string line = run.Error.Split('\n').Single(static l => l.Contains("they wait in", StringComparison.Ordinal));
        string outbox = line.Split("they wait in ")[1].Split(':')[0];
        try
        {
            Assert.Single((await CliRun.GoodAsync("outbox", "export", outbox)).Lines);
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(outbox)!, recursive: true);
        }
    }

    [Fact]
    public async Task Other_verbs_end_in_time()
    {
        CliRun consume = await CliRun.RunAsync("consume", "/fleet", "--timeout", "300ms", "--cluster", _nobody);
        CliRun bench = await CliRun.RunAsync("bench", "/fleet", "--timeout", "300ms", "--cluster", _nobody);
        CliRun show = await CliRun.RunAsync("cursor", "show", "c", "/fleet", "--http", _nobody[3..]);

        Assert.All([consume, bench, show], static run => Assert.Equal(ExitCode.Unreachable, run.Code));
        Assert.All([consume, bench, show], static run => Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Contains("no cluster answered within 0.3 s", consume.Error, StringComparison.Ordinal);
    }
}
