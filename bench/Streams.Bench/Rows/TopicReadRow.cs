using System.Diagnostics;
using System.Globalization;
using Streams.Core;
using Streams.Storage;

namespace Streams.Bench;

/// <summary>Reading the events of one topic out of a lane with very many topics, beside reading as many places of the same files.</summary>
internal sealed class TopicReadRow : BenchRow
{
    private const int BatchEvents = 500;
    private const int Reads = 40;

    private BenchFolder? _folder;
    private int _topics;

    public override string Name => "topic-read";

    public override string Measures =>
        "one topic's 100 events, each in another batch, out of a lane with 1 M topics and 10 M events, cold: slowest of 40";

    public override string Reference =>
        "as many reads of 64 KiB at random places of the same files, one after the other, cold: slowest of 40";

    public override string Goal => "p99 <= 25 ms";

    public override async Task PrepareAsync(BenchRun run)
    {
        _folder = run.Folder();
        _topics = run.Small ? 10_000 : 1_000_000;
        await using Container container = await AppendLoad.OpenAsync(_folder.FullName,
            new ContainerOptions { SegmentBytes = run.Small ? 1 << 20 : 256 << 20 });
        BatchSlot[] slots = [.. Enumerable.Range(0, _topics / BatchEvents).Select(i =>
            BatchSlot.Make(BatchEvents, 100, i * BatchEvents, _topics, $"often-{i % Often(_topics)}"))];
        LoadProducer producer = new(container, "one", AppendLoad.Partition(0), slots, Math.Min(64, slots.Length - 1));
        _ = await AppendLoad.RunAsync(container, [producer], TimeSpan.FromMinutes(10), 10L * slots.Length);
    }

    public override async Task<Measured> MeasureAsync(BenchRun run)
    {
        await using Container container = await AppendLoad.OpenAsync(_folder!.FullName);
        string[] files = [.. Directory.EnumerateFiles(_folder.FullName, "log-*").Order(StringComparer.Ordinal)];
        string how = RawFile.DropCache(files);
        LaneId lane = container.Lanes()[0].Lane;
        Random chance = new(1);
        List<double> times = [];
        int batches = 0;
        for (int i = 0; i < Reads; i++)
        {
            TopicName topic = TopicName.Parse(string.Create(CultureInfo.InvariantCulture, $"often-{chance.Next(Often(_topics))}"));
            long start = Stopwatch.GetTimestamp();
            batches += await ReadAsync(container, lane, topic);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        RawFile.DropCache(files);
        int each = Math.Max(1, batches / Reads);
        double raw = Enumerable.Range(0, Reads).Max(_ => RawFile.ReadAtRandom(files, each, 64 << 10, chance));
        return new Measured(times.Max(), raw, "ms", $"{batches / Reads} batches each; {how}");
    }

    public override void Dispose()
    {
        _folder?.Dispose();
        base.Dispose();
    }

    // Each is in ten of the batches, which are sent ten times.
    private static int Often(int topics) => topics / BatchEvents / 10;

    private static async Task<int> ReadAsync(Container container, LaneId lane, TopicName topic)
    {
        int batches = 0;
        Offset end = container.Lane(lane)!.Value.NextOffset;
        for (Offset next = Offset.Zero; next < end;)
        {
            TopicSlice read = await container.ReadTopicAsync(lane, topic, next, 64 << 20, CancellationToken.None);
            using LaneSlice slice = read.Slice;
            batches += slice.Entries.Count;
            next = read.Next;
        }

        return batches;
    }
}
