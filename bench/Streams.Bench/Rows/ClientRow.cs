using System.Diagnostics;
using System.Globalization;
using Streams.Client;
using Streams.Core;

namespace Streams.Bench;

/// <summary>A row that measures the SDK against this repository's server, in a process of its own, over loopback: what a back-end program
/// sees.</summary>
internal abstract class ClientRow : BenchRow
{
    protected static readonly StreamPath Stream = StreamPath.Parse("/bench");

    protected static StreamsProducer Produce(Broker broker, string name = "producer") => StreamsProducer.Open(new StreamsProducerOptions
    {
        Name = name,
        Clusters = [At(broker)],
    });

    protected static ValueTask<StreamsClient> OpenAsync(Broker broker, BenchFolder folder, string name = "client") =>
        StreamsClient.OpenAsync(Options(broker, folder, name));

    protected static StreamsClientOptions Options(Broker broker, BenchFolder folder, string name) => new()
    {
        Name = name,
        Clusters = [At(broker)],
        OutboxPath = Path.Combine(folder.FullName, name + ".db"),
        ReceiveBytes = 16 << 20,
    };

    /// <summary>Publishes so many events of one topic and waits until the cluster has all of them on disk.</summary>
    protected static async Task<double> PublishAsync(StreamsProducer producer, long events, int bytes)
    {
        byte[] payload = new byte[bytes];
        new Random(1).NextBytes(payload);
        TopicName topic = TopicName.Parse("bench/one");
        long start = Stopwatch.GetTimestamp();
        for (long i = 0; i < events; i++)
        {
            await producer.EnqueueAsync(Stream, topic, payload);
        }

        await producer.FlushAsync();
        return events / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static ClusterEndpoint At(Broker broker) =>
        new(ClusterName.Parse("bench"), broker.Address.Address.ToString(), broker.Address.Port);
}

/// <summary>A back-end program publishes at full speed over one connection.</summary>
internal sealed class ClientPublishRow(int bytes, double goal) : ClientRow
{
    public override string Name => bytes < 1000 ? $"client-publish-{bytes}b" : $"client-publish-{bytes >> 10}k";

    public override string Measures =>
        $"one StreamsProducer publishes events of {bytes} B of one topic, flushed before they are acknowledged";

    public override string Reference => "the same bytes written and flushed by hand in pieces of 256 KiB, into allocated space";

    public override string Goal => string.Create(CultureInfo.InvariantCulture, $">= {goal:N0} events/s");

    public override async Task<Measured> MeasureAsync(BenchRun run)
    {
        using BenchFolder folder = run.Folder();
        double rate;
        long events = run.Small ? 20_000 : (bytes < 1000 ? 8_000_000 : 1_500_000);
        using (Broker broker = await Broker.StreamsAsync(folder.FullName))
        {
            await using StreamsProducer producer = Produce(broker);
            await PublishAsync(producer, events / 10, bytes);
            rate = await PublishAsync(producer, events, bytes);
        }

        double raw = RawFile.WriteRate(Path.Combine(folder.FullName, "raw"), events * bytes, 256 << 10, RawSpace.Allocated) / bytes;
        return new Measured(rate, raw, "events/s", string.Create(CultureInfo.InvariantCulture, $"{rate * bytes / 1e6:F0} MB/s"));
    }
}

/// <summary>A back-end program reads a stream from its first event over one connection.</summary>
internal sealed class ClientReplayRow(int bytes, double goal) : ClientRow
{
    private long _consumers;
    private long _sum;
    private BenchFolder? _folder;
    private Broker? _broker;
    private long _events;

    public override string Name => bytes < 1000 ? $"client-replay-{bytes}b" : $"client-replay-{bytes >> 10}k";

    public override string Measures => $"one consumer reads events of {bytes} B from the first one on and acknowledges them";

    public override string Reference => "the same bytes through a loopback connection in pieces of 256 KiB, nothing done with them";

    public override string Goal => string.Create(CultureInfo.InvariantCulture, $">= {goal:N0} events/s");

    public override async Task PrepareAsync(BenchRun run)
    {
        _folder = run.Folder();
        _broker = await Broker.StreamsAsync(_folder.FullName);
        _events = run.Small ? 20_000 : (bytes < 1000 ? 10_000_000 : 1_500_000);
        await using StreamsProducer producer = Produce(_broker);
        await PublishAsync(producer, _events, bytes);
    }

    public override async Task<Measured> MeasureAsync(BenchRun run)
    {
        await using StreamsClient client = await OpenAsync(_broker!, _folder!, $"reader-{++_consumers}");
        long start = Stopwatch.GetTimestamp();
        await using StreamsConsumer consumer = await client.ConsumeAsync(new ConsumerOptions
        {
            Name = ConsumerName.Parse($"reader-{_consumers}"),
            Stream = Stream,
        });
        long read = 0;
        await foreach (ReceivedBatch batch in consumer.ReadBatchesAsync())
        {
            foreach (EventView view in batch)
            {
                read++;
                _sum += view.Payload.Span[0];
            }

            batch.Acknowledge();
            if (read >= _events)
            {
                break;
            }
        }

        double rate = _events / Stopwatch.GetElapsedTime(start).TotalSeconds;
        double raw = await Loopback.RateAsync(_events * bytes, 256 << 10) / bytes;
        return new Measured(rate, raw, "events/s", string.Create(CultureInfo.InvariantCulture, $"{rate * bytes / 1e6:F0} MB/s"));
    }

    public override void Dispose()
    {
        _broker?.Dispose();
        _folder?.Dispose();
        base.Dispose();
    }
}
