using System.Diagnostics;
using System.Globalization;
using Streams.Client;
using Streams.Core;

namespace Streams.Bench;

/// <summary>How long a live event takes to the cluster while the backlog of an outage is sent beside it.</summary>
internal sealed class ClientLiveRow : ClientRow
{
    private const int Bytes = 100;
    private const double AllowedMilliseconds = 250;

    public override string Name => "client-live-first";

    public override string Measures => $"a StreamsClient with a backlog of a million events of {Bytes} B and Drain = LiveFirst publishes"
        + " 1,000 live ones a second while it is sent: p99 from the call to the cluster's acknowledgement, flushed on the device and in the"
        + " cluster";

    public override string Reference => $"{AllowedMilliseconds} ms";

    public override string Goal => "<= 1.00, the drain >= 100,000 events/s";

    public override async Task<Measured> MeasureAsync(BenchRun run)
    {
        using BenchFolder folder = run.Folder();
        int backlog = run.Small ? 20_000 : 1_000_000;
        using Broker broker = await Broker.StreamsAsync(folder.FullName);
        StreamsClientOptions options = Options(broker, folder, "car") with { Drain = DrainOrder.LiveFirst, OutboxBytes = 2L << 30 };
        await using (StreamsClient alone = await StreamsClient.OpenAsync(options with
        {
            Clusters = [ClusterEndpoint.Parse("nobody=127.0.0.1:9")],
            CloseWithin = TimeSpan.Zero,
        }))
        {
            await OutboxRow.FillAsync(alone, Stream, backlog, Bytes);
        }

        await using StreamsClient client = await StreamsClient.OpenAsync(options);
        List<double> took = new(200_000);
        long start = Stopwatch.GetTimestamp();
        Task<double> drained = DrainedAsync(client, start);
        await PaceAsync(client, took, drained);
        double drain = backlog / await drained;
        double[] all = [.. took];
        Array.Sort(all);
        return new Measured(all[(int)(all.Length * 0.99)], AllowedMilliseconds, "ms", string.Create(CultureInfo.InvariantCulture,
            $"p50 {all[all.Length / 2]:F1} ms, worst {all[^1]:F0} ms, {all.Length} live events; drain {drain:F0} events/s"));
    }

    private static async Task<double> DrainedAsync(StreamsClient client, long start)
    {
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(50));
        while (true)
        {
            await timer.WaitForNextTickAsync();
            ClientStatus status = await client.GetStatusAsync();
            if (status.Classes.Single(static c => !c.IsPassing).OutboxEvents == 0)
            {
                return Stopwatch.GetElapsedTime(start).TotalSeconds;
            }
        }
    }

    // Live events begin when the cluster is there: what is published before is backlog.
    private static async Task PaceAsync(StreamsClient client, List<double> took, Task drained)
    {
        byte[] payload = new byte[Bytes];
        TopicName topic = TopicName.Parse("bench/one");
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(1));
        while (client.ConnectedTo is null)
        {
            await timer.WaitForNextTickAsync();
        }

        List<Task> all = [];
        long start = Stopwatch.GetTimestamp();
        for (int next = 0; !drained.IsCompleted;)
        {
            await timer.WaitForNextTickAsync();
            long due = (long)Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            for (; next < due; next++)
            {
                all.Add(OneAsync());
            }
        }

        await Task.WhenAll(all);

        async Task OneAsync()
        {
            long began = Stopwatch.GetTimestamp();
            PublishReceipt receipt = await client.PublishAsync(Stream, topic, payload);
            await receipt.Stored;
            double milliseconds = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
            lock (took)
            {
                took.Add(milliseconds);
            }
        }
    }
}
