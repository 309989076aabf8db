using System.Diagnostics;
using System.Globalization;
using Streams.Client;
using Streams.Core;

namespace Streams.Bench;

/// <summary>A producer and a consumer at the same time: what is published is read as it comes.</summary>
internal sealed class ClientTailRow : ClientRow
{
    private const int Bytes = 1024;

    private long _sum;

    public override string Name => "client-tail-1k";

    public override string Measures =>
        $"one StreamsProducer publishes events of {Bytes} B at full speed, one consumer of another client reads and acknowledges them live";

    public override string Reference => "the same bytes written and flushed by hand in pieces of 256 KiB, into allocated space";

    public override string Goal => ">= 200,000 events/s";

    public override async Task<Measured> MeasureAsync(BenchRun run)
    {
        using BenchFolder folder = run.Folder();
        long events = run.Small ? 20_000 : 1_500_000;
        double rate;
        double behind;
        using (Broker broker = await Broker.StreamsAsync(folder.FullName))
        {
            await using StreamsProducer producer = Produce(broker);
            await using StreamsClient client = await OpenAsync(broker, folder);
            await using StreamsConsumer consumer = await client.ConsumeAsync(new ConsumerOptions
            {
                Name = ConsumerName.Parse("tail"),
                Stream = Stream,
            });
            long start = Stopwatch.GetTimestamp();
            Task<double> publishing = PublishAsync(producer, events, Bytes);
            await ReadAsync(consumer, events);
            double took = Stopwatch.GetElapsedTime(start).TotalSeconds;
            rate = events / took;
            behind = took - (events / await publishing);
        }

        double raw = RawFile.WriteRate(Path.Combine(folder.FullName, "raw"), events * Bytes, 256 << 10, RawSpace.Allocated) / Bytes;
        return new Measured(rate, raw, "events/s", string.Create(CultureInfo.InvariantCulture,
            $"the last one read {behind:F2} s behind the last acknowledgement"));
    }

    private async Task ReadAsync(StreamsConsumer consumer, long events)
    {
        long read = 0;
        await foreach (ReceivedBatch batch in consumer.ReadBatchesAsync())
        {
            foreach (EventView view in batch)
            {
                read++;
                _sum += view.Payload.Span[0];
            }

            batch.Acknowledge();
            if (read >= events)
            {
                return;
            }
        }
    }
}
