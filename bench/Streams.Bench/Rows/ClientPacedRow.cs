using System.Diagnostics;
using System.Globalization;
using Streams.Client;
using Streams.Core;

namespace Streams.Bench;

/// <summary>How long one event takes to the cluster's acknowledgement, at a rate that nothing is near its limit with.</summary>
internal sealed class ClientPacedRow : ClientRow
{
    private const int Bytes = 1024;
    private const int EventsPerTick = 5;                  // a tick is a millisecond: 5,000 events a second
    private const double AllowedMicroseconds = 2_000;

    public override string Name => "client-publish-1k-paced";

    public override string Measures =>
        $"one StreamsProducer publishes {EventsPerTick * 1000} events of {Bytes} B a second: p50 from the call to the acknowledgement";

    public override string Reference => "twice the p50 of a raw write of 4 KiB + fdatasync, into allocated space, and 2 ms";

    public override string Goal => "<= 1.00";

    public override async Task<Measured> MeasureAsync(BenchRun run)
    {
        using BenchFolder folder = run.Folder();
        int ticks = run.Small ? 100 : 5_000;
        double[] took = new double[ticks * EventsPerTick];
        double seconds;
        using (Broker broker = await Broker.StreamsAsync(folder.FullName))
        {
            await using StreamsProducer producer = Produce(broker);
            await PublishAsync(producer, took.Length / 10, Bytes);
            long start = Stopwatch.GetTimestamp();
            await PaceAsync(producer, took);
            seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        long[] raw = RawFile.Write(Path.Combine(folder.FullName, "raw"), run.Small ? 50 : 2_000, 4096, RawSpace.Allocated);
        Array.Sort(raw);
        double flush = raw[raw.Length / 2] * 1e6 / Stopwatch.Frequency;
        Array.Sort(took);
        return new Measured(took[took.Length / 2], (2 * flush) + AllowedMicroseconds, "us", string.Create(CultureInfo.InvariantCulture,
            $"p99 {took[(int)(took.Length * 0.99)]:F0} us, a flush {flush:F0} us, {took.Length / seconds:F0} events/s"));
    }

    private static async Task PaceAsync(StreamsProducer producer, double[] took)
    {
        byte[] payload = new byte[Bytes];
        new Random(1).NextBytes(payload);
        TopicName topic = TopicName.Parse("bench/one");
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(1));
        Task[] all = new Task[took.Length];
        long start = Stopwatch.GetTimestamp();
        for (int next = 0; next < took.Length;)
        {
            await timer.WaitForNextTickAsync();

            // A tick that came late is made up for.
            long due = Math.Min(took.Length, (long)(Stopwatch.GetElapsedTime(start).TotalMilliseconds * EventsPerTick));
            for (; next < due; next++)
            {
                all[next] = OneAsync(producer, topic, payload, took, next);
            }
        }

        await Task.WhenAll(all);
    }

    private static async Task OneAsync(StreamsProducer producer, TopicName topic, byte[] payload, double[] took, int index)
    {
        long start = Stopwatch.GetTimestamp();
        await producer.PublishAsync(Stream, topic, payload);
        took[index] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
    }
}
