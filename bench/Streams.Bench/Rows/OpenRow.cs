using System.Diagnostics;
using System.Globalization;
using Streams.Core;
using Streams.Storage;

namespace Streams.Bench;

/// <summary>Opening a container whose process was killed in the middle of a load, beside opening a small one that was.</summary>
internal sealed class OpenRow : BenchRow
{
    public override string Name => "open-after-kill";

    public override string Measures => "opening after kill -9 under load, with 50 GB stored";

    public override string Reference => "the same with 1 GB";

    public override string Goal => "<= 2 s";

    public override async Task<Measured> MeasureAsync(BenchRun run)
    {
        double large = await OpenAsync(run, run.Small ? 8L << 20 : 50L << 30);
        double small = await OpenAsync(run, run.Small ? 4L << 20 : 1L << 30);
        return new Measured(large, small, "s", string.Empty);
    }

    /// <summary>What the killed process does: it appends until it is killed, and says when so many bytes are stored.</summary>
    public static async Task<int> LoadAsync(string folder, long bytes, TextWriter output)
    {
        await using Container container = await AppendLoad.OpenAsync(folder);
        LoadProducer producer = new(container, "one", AppendLoad.Partition(0),
            [.. Enumerable.Range(0, 32).Select(_ => BatchSlot.Make(63, 1000))], 32);
        Task<long> load = producer.RunAsync(long.MaxValue, long.MaxValue);
        while (container.Status().Bytes < bytes && !load.IsCompleted)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }

        await output.WriteLineAsync("stored");
        await output.FlushAsync();
        return await load > 0 ? 0 : 1;
    }

    private static async Task<double> OpenAsync(BenchRun run, long bytes)
    {
        using BenchFolder folder = run.Folder();
        using Process child = Child.Start("load", folder.FullName, bytes.ToString(CultureInfo.InvariantCulture));
        _ = await child.StandardOutput.ReadLineAsync();
        child.Kill();
        await child.WaitForExitAsync();
        long start = Stopwatch.GetTimestamp();
        await using Container container = await AppendLoad.OpenAsync(folder.FullName);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return container.Status().Bytes >= bytes ? seconds : throw new InvalidOperationException("less was stored than was said");
    }
}
