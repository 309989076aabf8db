using System.Diagnostics;
using System.Globalization;
using Streams.Client;
using Streams.Core;

namespace Streams.Bench;

/// <summary>What a client takes in memory when many events wait in its outbox, above one with an empty outbox.</summary>
internal sealed class ClientMemoryRow : BenchRow
{
    private const int Events = 10_000_000;
    private const int Payload = 100;
    private const int Window = 16_384;

    public override string Name => "client-memory-10m";

    public override string Measures => "resident memory of a process that opens an outbox in which 10 M events of 100 B wait, with no "
        + "cluster to send them to, above one with an empty outbox";

    public override string Reference => "the process with an empty outbox";

    public override string Goal => "<= 64 MB";

    /// <summary>Gigabytes of files and minutes.</summary>
    public override bool IsLong => true;

    public override async Task<Measured> MeasureAsync(BenchRun run)
    {
        using BenchFolder folder = run.Folder();
        string full = Path.Combine(folder.FullName, "full.db");
        await AskAsync(full, run.Small ? 10_000 : Events);
        double idle = await AskAsync(Path.Combine(folder.FullName, "empty.db"), 0);
        double waiting = await AskAsync(full, 0);
        double gigabytes = new FileInfo(full).Length / 1e9;
        return new Measured(waiting - idle, idle, "MB", string.Create(CultureInfo.InvariantCulture, $"outbox of {gigabytes:F2} GB"));
    }

    /// <summary>What the process does that is measured: publishes so many, else only opens; then tells its memory.</summary>
    public static async Task<int> OpenAsync(string path, int publish, TextWriter output)
    {
        await using StreamsClient client = await StreamsClient.OpenAsync(new StreamsClientOptions
        {
            Name = "bench",
            Clusters = [ClusterEndpoint.Parse("nobody=127.0.0.1:9")],
            OutboxPath = path,
            OutboxBytes = 16L << 30,
            CloseWithin = TimeSpan.Zero,
        });
        StreamPath stream = StreamPath.Parse("/bench");
        TopicName topic = TopicName.Parse("bench/one");
        byte[] payload = new byte[Payload];
        List<Task> group = [];
        for (int i = 0; i < publish; i++)
        {
            group.Add(client.PublishAsync(stream, topic, payload).AsTask());
            if (group.Count == Window)
            {
                await Task.WhenAll(group);
                group.Clear();
            }
        }

        await Task.WhenAll(group);

        // A few tries to connect belong to what an idle client does.
        using PeriodicTimer timer = new(TimeSpan.FromSeconds(publish == 0 ? 2 : 0.1));
        await timer.WaitForNextTickAsync();
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        using Process process = Process.GetCurrentProcess();
        await output.WriteLineAsync((process.WorkingSet64 / 1e6).ToString("F1", CultureInfo.InvariantCulture));
        return 0;
    }

    private static async Task<double> AskAsync(string path, int publish)
    {
        using Process child = Child.Start("outbox", path, publish.ToString(CultureInfo.InvariantCulture));
        double told = double.Parse((await child.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture);
        await child.WaitForExitAsync();
        return told;
    }
}
