using System.Diagnostics;
using System.Globalization;
using Streams.Core;

namespace Streams.Bench;

/// <summary>Batches of 100 events of 200 bytes: made, parsed with every event looked at, and, as the limit, the same bytes
/// copied.</summary>
internal static class CodecBench
{
    private const int Events = 100;

    public static void Run(bool small, TextWriter output)
    {
        int rounds = small ? 200 : 20_000;
        byte[] payload = new byte[200];
        new Random(1).NextBytes(payload);
        EventBatchBuilder builder = new();
        EventBatch batch = Make(builder, payload, 1);
        byte[] copy = new byte[batch.Bytes.Length];

        double copied = Measure(rounds, () => batch.Bytes.Span.CopyTo(copy));
        double made = Measure(rounds, () => Make(builder, payload, 1));
        long seen = 0;
        double parsed = Measure(rounds, () =>
        {
            foreach (EventView view in EventBatch.Parse(batch.Bytes).Events)
            {
                seen += view.Payload.Length;
            }
        });

        double megabytes = (double)batch.Bytes.Length * rounds / 1e6;
        Report(output, "copy of the bytes", megabytes / copied, rounds * Events / copied, copied);
        Report(output, "batches made", megabytes / made, rounds * Events / made, copied / made);
        Report(output, "batches parsed", megabytes / parsed, rounds * Events / parsed, copied / parsed);
        if (seen == 0)
        {
            throw new InvalidOperationException("nothing was parsed");
        }

        void Report(TextWriter to, string name, double rate, double events, double ratio) => to.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"codec   {name,-20} {rate,10:F0} MB/s {events,14:F0} events/s {(name[0] == 'c' ? "" : $"{ratio:F3} of the copy")}"));
    }

    private static EventBatch Make(EventBatchBuilder builder, byte[] payload, long sequence)
    {
        for (int i = 0; i < Events; i++)
        {
            builder.TryAdd("car-17/telemetry"u8, default, default, payload, i);
        }

        return builder.Build(new EventIdentity(new ProducerId(1), 1, sequence), default, mayHaveTwins: false);
    }

    private static double Measure(int rounds, Action action)
    {
        for (int i = 0; i < Math.Min(rounds, 500); i++)
        {
            action();
        }

        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < rounds; i++)
        {
            action();
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
