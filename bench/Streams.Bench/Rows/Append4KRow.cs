using System.Diagnostics;
using System.Globalization;
using Streams.Core;
using Streams.Storage;

namespace Streams.Bench;

/// <summary>One waiter, 4 KiB at a time.</summary>
internal sealed class Append4KRow : BenchRow
{
    private const int Payload = 3900;                     // with all heads just below 4 KiB

    public override string Name => "append-4k-one";

    public override string Measures => "4 KiB appended, flushed, one waiter: p50";

    public override string Reference => "p50 of a raw write of 4 KiB past the cache + fdatasync, into a file whose space is set aside; in "
        + "brackets into one that was written before";

    public override string Goal => "<= 1.50";

    public override async Task<Measured> MeasureAsync(BenchRun run)
    {
        using BenchFolder folder = run.Folder();
        int count = run.Small ? 50 : 5000;
        double p50;
        double p99;
        await using (Container container = await AppendLoad.OpenAsync(folder.FullName))
        {
            BatchSlot slot = BatchSlot.Make(1, Payload);
            ProducerId producer = ProducerId.ForName("one");
            ProducerSession session = container.BeginProducer(producer);
            long[] ticks = new long[count];
            for (int i = 0; i < count; i++)
            {
                long start = Stopwatch.GetTimestamp();
                EventBatch batch = slot.Send(producer, i + 1);
                ProduceResult result = await container.ProduceAsync(session, AppendLoad.Partition(0), AfterVector.Empty, batch,
                    CancellationToken.None);
                ticks[i] = Stopwatch.GetTimestamp() - start;
                if (result.Refusal != ProduceRefusal.None)
                {
                    throw new InvalidOperationException(result.Detail);
                }
            }

            p50 = Microseconds(ticks, 0.5);
            p99 = Microseconds(ticks, 0.99);
        }

        string raw = Path.Combine(folder.FullName, "raw");
        double allocated = Microseconds(RawFile.Write(raw, count, 4096, RawSpace.Allocated), 0.5);
        double overwritten = Microseconds(RawFile.Write(raw, count, 4096, RawSpace.Overwritten), 0.5);
        return new Measured(p50, allocated, "us", string.Create(CultureInfo.InvariantCulture,
            $"p99 {p99:F0} us [{p50 / overwritten:F2} of {overwritten:F0} us]"));
    }

    private static double Microseconds(long[] ticks, double share)
    {
        Array.Sort(ticks);
        return ticks[(int)((ticks.Length - 1) * share)] * 1e6 / Stopwatch.Frequency;
    }
}
