using System.Diagnostics;
using System.Globalization;
using System.Text;
using Streams.Core;
using Streams.Storage;

namespace Streams.Bench;

/// <summary>What topics and cursors take in the memory of a process of their own, above one with an empty container.</summary>
internal sealed class MemoryRow : BenchRow
{
    public override string Name => "memory";

    public override string Measures => "resident memory with 1 M topics and 1 M consumer cursors, above that of the empty container";

    public override string Reference => "the empty container";

    public override string Goal => "<= 400 MB";

    public override async Task<Measured> MeasureAsync(BenchRun run)
    {
        using BenchFolder folder = run.Folder();
        using Process child = Child.Start("memory", folder.FullName, run.Small ? "10000" : "1000000");
        double empty = double.Parse((await child.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture);
        double full = double.Parse((await child.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture);
        string remark = (await child.StandardOutput.ReadLineAsync())!;
        await child.WaitForExitAsync();
        return new Measured(full - empty, empty, "MB", remark);
    }

    /// <summary>What the process does that is measured.</summary>
    public static async Task<int> FillAsync(string folder, int count, TextWriter output)
    {
        const int AtOnce = 4000;
        await using Container container = await AppendLoad.OpenAsync(folder);
        await output.WriteLineAsync(Resident());
        Origin origin = container.Origin;
        long start = Stopwatch.GetTimestamp();
        int next = 0;
        await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(async _ =>
        {
            for (int i; (i = Interlocked.Increment(ref next) - 1) < count;)
            {
                await container.CommitAsync(ConsumerName.Parse($"consumer-{i:d7}"), AppendLoad.Partition(0),
                    Cursor.Start.With(origin, new Offset(i + 1)), CancellationToken.None).ConfigureAwait(true);
            }
        }));
        double commits = count / Stopwatch.GetElapsedTime(start).TotalSeconds;
        await AppendTopicsAsync(container, count);
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        await output.WriteLineAsync(Resident());
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{commits:F0} commits of cursors a second"));
        return 0;
    }

    private static async Task AppendTopicsAsync(Container container, int count)
    {
        const int BatchEvents = 500;
        ProducerId producer = ProducerId.ForName("one");
        ProducerSession session = container.BeginProducer(producer);
        EventBatchBuilder builder = new();
        for (int i = 0; i < count; i += BatchEvents)
        {
            for (int n = i; n < i + BatchEvents; n++)
            {
                builder.TryAdd(Encoding.UTF8.GetBytes($"plant-7/machine-{n:d7}/state"), default, default, new byte[100], n);
            }

            EventBatch batch = builder.Build(new EventIdentity(producer, 1, i + 1), i == 0 ? default : (1UL, (long)i), mayHaveTwins: false);
            await container.ProduceAsync(session, AppendLoad.Partition(0), AfterVector.Empty, batch, CancellationToken.None);
        }
    }

    private static string Resident()
    {
        using Process process = Process.GetCurrentProcess();
        return (process.WorkingSet64 / 1e6).ToString("F1", CultureInfo.InvariantCulture);
    }
}
