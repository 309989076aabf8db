using System.Globalization;
using Streams.Storage;

namespace Streams.Bench;

/// <summary>Appending through many topics of one lane, beside the same through one topic. Every event has another topic than the one
/// before; topics are known already.</summary>
internal sealed class TopicsRow(int topics) : BenchRow
{
    private const int Events = 500;
    private const int Payload = 100;
    private const int InFlight = 16;

    public override string Name => string.Create(CultureInfo.InvariantCulture, $"topics-{topics}");

    public override string Measures => $"1 lane, {topics} topics in turn, batches of {Events} events of {Payload} B, flushed";

    public override string Reference => "the same with 1 topic";

    public override string Goal => ">= 0.80";

    public override async Task<Measured> MeasureAsync(BenchRun run)
    {
        double many = await RateAsync(run, run.Small ? Math.Min(topics, 2000) : topics);
        double one = await RateAsync(run, 1);
        return new Measured(many / 1e6, one / 1e6, "M events/s", string.Empty);
    }

    private static async Task<double> RateAsync(BenchRun run, int topics)
    {
        using BenchFolder folder = run.Folder();
        await using Container container = await AppendLoad.OpenAsync(folder.FullName);
        int batches = Math.Max(InFlight, (topics + Events - 1) / Events);
        BatchSlot[] slots = [.. Enumerable.Range(0, batches).Select(b => BatchSlot.Make(Events, Payload, b * Events % topics, topics))];
        LoadProducer[] producers = [new LoadProducer(container, "one", AppendLoad.Partition(0), slots, InFlight)];
        _ = await AppendLoad.RunAsync(container, producers, TimeSpan.FromMinutes(10), batches);
        LoadFigures load = await AppendLoad.RunAsync(container, producers, run.Duration);
        return load.Events / load.Seconds;
    }
}
