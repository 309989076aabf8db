using System.Globalization;
using Streams.Storage;

namespace Streams.Bench;

/// <summary>Appending, flushed, beside a file written and flushed in pieces of the same size.</summary>
internal abstract class AppendRow : BenchRow
{
    protected abstract int Producers { get; }

    protected abstract int InFlight { get; }

    protected abstract BatchSlot Slot(int number);

    protected abstract int Lanes { get; }

    public override string Reference => "raw writes past the cache + fdatasync, as large as one flush here, into a file whose space is "
        + "set aside; in brackets into one that was written before";

    public override async Task<Measured> MeasureAsync(BenchRun run)
    {
        using BenchFolder folder = run.Folder();
        LoadFigures load;
        await using (Container container = await AppendLoad.OpenAsync(folder.FullName))
        {
            LoadProducer[] producers = [.. Enumerable.Range(0, Producers).Select(p => new LoadProducer(container, $"producer {p}",
                AppendLoad.Partition(p % Lanes), [.. Enumerable.Range(0, InFlight).Select(Slot)], InFlight))];
            load = await AppendLoad.RunAsync(container, producers, run.Duration);
        }

        string raw = Path.Combine(folder.FullName, "raw");
        double allocated = RawFile.WriteRate(raw, load.Bytes, load.BytesPerFlush, RawSpace.Allocated) / 1e6;
        double overwritten = RawFile.WriteRate(raw, load.Bytes, load.BytesPerFlush, RawSpace.Overwritten) / 1e6;
        return new Measured(load.MegabytesPerSecond, allocated, "MB/s", string.Create(CultureInfo.InvariantCulture,
            $"{load.Events / load.Seconds / 1e6:F2} M events/s, {load.BytesPerFlush / 1024} KiB a flush "
            + $"[{load.MegabytesPerSecond / overwritten:F2} of {overwritten:F0} MB/s]"));
    }
}

/// <summary>Large batches into one lane.</summary>
internal sealed class Append64KRow : AppendRow
{
    public override string Name => "append-64k";

    public override string Measures => "1 lane, batches of 64 KiB of 1 KB events, 64 under way, flushed";

    public override string Goal => ">= 0.80";

    protected override int Producers => 1;

    protected override int InFlight => 64;

    protected override int Lanes => 1;

    protected override BatchSlot Slot(int number) => BatchSlot.Make(63, 1000);
}

/// <summary>Small events from many producers.</summary>
internal sealed class Append100BRow : AppendRow
{
    public override string Name => "append-100b-16";

    public override string Measures => "16 producers, 4 lanes, batches of 500 events of 100 B, 4 under way each, flushed";

    public override string Goal => ">= 2 M events/s";

    protected override int Producers => 16;

    protected override int InFlight => 4;

    protected override int Lanes => 4;

    protected override BatchSlot Slot(int number) => BatchSlot.Make(500, 100);
}
