using System.Globalization;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>Each small sample runs against a real server and says what its page promises.</summary>
public class SampleTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task The_quick_start_gives_back_what_it_published()
    {
        await using Story story = await Story.StartAsync();
        await using ChildProcess sample = story.Start("samples/QuickStart", story.Cluster);
        await AssertEndsAsync(sample);
        Assert.Contains("held by sj", sample.Lines);
        Assert.Contains(sample.Lines, static line => line.EndsWith(":9  kitchen/temperature  {\"celsius\":30}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_worker_service_publishes_reads_back_and_is_healthy()
    {
        await using Story story = await Story.StartAsync();
        await using ChildProcess sample = story.Start("samples/WorkerService", "--Streams:Clusters:0", story.Cluster,
            "--Streams:OutboxPath", story.PathOf("car-17.outbox"), "--Samples", "40");
        await AssertEndsAsync(sample);
        Assert.Contains(sample.Lines, static line => line.EndsWith("car-17/telemetry: sample 40, 60 km/h", StringComparison.Ordinal));
        Assert.Contains(sample.Lines, static line => line.Contains("health of streams: Healthy, ", StringComparison.Ordinal));
        Assert.DoesNotContain(sample.Lines, static line => line.StartsWith("fail:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_worker_service_names_all_faults_of_its_settings_and_does_not_start()
    {
        await using Story story = await Story.StartAsync();
        await using ChildProcess sample = story.Start("samples/WorkerService", "--Streams:Linger", "soon", "--Streams:Outbox", "x",
            "--Streams:OutboxPath", story.PathOf("car-17.outbox"));
        Assert.NotEqual(0, await sample.WaitForExitAsync(Limit));
        Assert.Contains("Streams:Linger 'soon': a duration", sample.Report, StringComparison.Ordinal);
        Assert.Contains("Streams:Outbox: no such setting", sample.Report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_reactive_sample_shows_alarms_and_averages()
    {
        await using Story story = await Story.StartAsync();
        await using ChildProcess sample = story.Start("samples/Reactive", story.Cluster);
        await AssertEndsAsync(sample);
        Assert.Contains("published 60 readings", sample.Lines);
        Assert.Contains(sample.Lines, static line => line.StartsWith("alarm: car-", StringComparison.Ordinal));
        Assert.Equal(["car-0: 108.5 km/h on average", "car-1: 109.5 km/h on average", "car-2: 110.5 km/h on average"],
            sample.Lines.Where(static line => line.EndsWith(" km/h on average", StringComparison.Ordinal)).Order());
    }

    private static async Task AssertEndsAsync(ChildProcess sample)
    {
        int code = await sample.WaitForExitAsync(Limit);
        Assert.True(code == 0, $"it ended with {code}: {sample.Report}");
    }

    private sealed class Story(TemporaryDirectory directory, ServerProcess server) : IAsyncDisposable
    {
        public string Cluster => string.Create(CultureInfo.InvariantCulture, $"sj=127.0.0.1:{server.Options.MqttPort}");

        public static async Task<Story> StartAsync()
        {
            TemporaryDirectory directory = new();
            return new Story(directory, await ServerProcess.StartHealthyAsync(new ServerProcessOptions
            {
                ClusterName = "sj",
                DataDirectory = Path.Combine(directory.FullName, "data"),
            }));
        }

        public string PathOf(string file) => Path.Combine(directory.FullName, file);

        // What a sample keeps in the temporary directory stays in this story's.
        public ChildProcess Start(string sample, params string[] arguments) => ChildProcess.Start(Repository.DotnetHost,
            [Repository.BuiltProgram(sample), .. arguments],
            environment: new Dictionary<string, string?> { ["TMPDIR"] = directory.FullName });

        public async ValueTask DisposeAsync()
        {
            await server.DisposeAsync();
            directory.Dispose();
        }
    }
}
