using System.Diagnostics;
using System.Globalization;
using Streams.Core;
using Streams.Storage;

namespace Streams.Bench;

/// <summary>Reading a lane from front to back, beside reading the same files.</summary>
internal sealed class ReplayRow(bool cold) : BenchRow
{
    private const int PieceBytes = 1 << 20;

    private readonly List<BenchFolder> _folders = [];
    private string _how = string.Empty;

    public override string Name => cold ? "replay-cold" : "replay-cached";

    public override string Measures => $"a lane of sealed segments read from front to back, {(cold ? "cold" : "from the page cache")}";

    public override string Reference => "the same files read by offset in pieces of 1 MiB, as cold or cached";

    public override string Goal => cold ? ">= 0.80" : ">= 1000 MB/s";

    public override async Task PrepareAsync(BenchRun run)
    {
        BenchFolder folder = run.Folder();
        _folders.Add(folder);
        await using Container container = await AppendLoad.OpenAsync(folder.FullName,
            new ContainerOptions { SegmentBytes = run.Small ? 1 << 20 : 256 << 20 });
        LoadProducer[] producers = [new LoadProducer(container, "one", AppendLoad.Partition(0),
            [.. Enumerable.Range(0, 32).Select(_ => BatchSlot.Make(63, 1000))], 32)];
        _ = await AppendLoad.RunAsync(container, producers, TimeSpan.FromMinutes(10), run.Small ? 100 : 16_000);
    }

    public override async Task<Measured> MeasureAsync(BenchRun run)
    {
        string folder = _folders[0].FullName;
        await using Container container = await AppendLoad.OpenAsync(folder);
        string[] files = [.. Directory.EnumerateFiles(folder, "*.seg").Order(StringComparer.Ordinal).SkipLast(1)];
        LaneId lane = container.Lanes()[0].Lane;
        Ready(files);
        double read = await ReadAsync(container, lane);
        Ready(files);
        double raw = RawFile.ReadRate(files, PieceBytes) / 1e6;
        return new Measured(read, raw, "MB/s", cold ? _how
            : string.Create(CultureInfo.InvariantCulture, $"{files.Length} segments"));
    }

    private void Ready(string[] files)
    {
        if (cold)
        {
            _how = RawFile.DropCache(files);
        }
        else
        {
            _ = RawFile.ReadRate(files, PieceBytes);
        }
    }

    private static async Task<double> ReadAsync(Container container, LaneId lane)
    {
        long bytes = 0;
        long start = Stopwatch.GetTimestamp();
        for (EntryNumber next = default; ;)
        {
            using LaneSlice slice = await container.ReadAsync(lane, next, PieceBytes, CancellationToken.None);
            if (slice.Entries.Count == 0)
            {
                return bytes / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e6;
            }

            foreach (LaneEntry entry in slice.Entries)
            {
                bytes += entry.Body.Length;
            }

            next = slice.Entries[^1].Number + 1;
        }
    }

    public override void Dispose()
    {
        _folders.ForEach(f => f.Dispose());
        base.Dispose();
    }
}
