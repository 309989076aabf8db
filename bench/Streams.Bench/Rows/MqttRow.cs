using System.Globalization;

namespace Streams.Bench;

/// <summary>A row that measures this repository's server beside mosquitto, one after the other, with the same client. Ours has each message
/// on disk, flushed, before it acknowledges it; mosquitto keeps it in memory.</summary>
internal abstract class MqttRow : BenchRow
{
    public override string Reference => "Debian's mosquitto without persistence, the same client (ours flushes before PUBACK, it does not)";

    public override async Task<Measured> MeasureAsync(BenchRun run)
    {
        using BenchFolder folder = run.Folder();
        double ours;
        using (Broker broker = await Broker.StreamsAsync(folder.FullName))
        {
            ours = await MeasureAsync(run, broker);
        }

        using Broker? other = await Broker.MosquittoAsync(folder.FullName);
        return new Measured(ours, other is null ? double.NaN : await MeasureAsync(run, other), Unit,
            other is null ? "mosquitto is not installed" : string.Empty);
    }

    protected abstract string Unit { get; }

    protected abstract Task<double> MeasureAsync(BenchRun run, Broker broker);

    protected static Task<RawMqtt[]> ConnectAsync(Broker broker, int count, int bufferBytes) =>
        ConnectAsync(broker, "c", count, bufferBytes);

    protected static async Task<RawMqtt[]> ConnectAsync(Broker broker, string prefix, int count, int bufferBytes)
    {
        const int AtOnce = 100;
        RawMqtt[] clients = new RawMqtt[count];
        for (int from = 0; from < count; from += AtOnce)
        {
            await Task.WhenAll(Enumerable.Range(from, Math.Min(AtOnce, count - from)).Select(async i => clients[i] =
                await RawMqtt.ConnectAsync(broker.Address, string.Create(CultureInfo.InvariantCulture, $"{prefix}{i}"), bufferBytes)));
        }

        return clients;
    }
}

/// <summary>Many publishers at full speed, each with a window of 20 messages of 100 bytes.</summary>
internal sealed class MqttPublishRow(int publishers) : MqttRow
{
    private const int Window = 20;
    private const int PayloadBytes = 100;

    public override string Name => $"mqtt-publish-{publishers}";

    public override string Measures =>
        $"{publishers} MQTT clients publish {PayloadBytes} B at QoS 1 at full speed, {Window} under way each, to a topic each";

    public override string Goal => publishers == 100 ? "1.00" : "none";

    protected override string Unit => "messages/s";

    protected override async Task<double> MeasureAsync(BenchRun run, Broker broker)
    {
        RawMqtt[] clients = await ConnectAsync(broker, run.Small ? Math.Min(10, publishers) : publishers, 4 << 10);

        // Begins to count when it runs.
        await RunAsync(clients, run.Duration / 2);
        TimeSpan duration = run.Duration * 2;
        long acknowledged = await RunAsync(clients, duration);
        Array.ForEach(clients, c => c.Dispose());
        return acknowledged / duration.TotalSeconds;
    }

    private static async Task<long> RunAsync(RawMqtt[] clients, TimeSpan duration)
    {
        using CancellationTokenSource stop = new(duration, TimeProvider.System);
        long[] counts = await Task.WhenAll(clients.Select((c, i) => c.PublishForAsync(
            string.Create(CultureInfo.InvariantCulture, $"bench/p{i}"), PayloadBytes, Window, stop.Token)));
        return counts.Sum();
    }
}

/// <summary>One publisher, a thousand subscribers of its topic.</summary>
internal sealed class MqttFanOutRow : MqttRow
{
    private const int Window = 20;
    private const int PayloadBytes = 100;

    public override string Name => "mqtt-fanout";

    public override string Measures => $"one client publishes {PayloadBytes} B at QoS 1, 1,000 subscribers take it at QoS 1";

    public override string Goal => "1.00";

    protected override string Unit => "deliveries/s";

    protected override async Task<double> MeasureAsync(BenchRun run, Broker broker)
    {
        int count = run.Small ? 10 : 1000;
        RawMqtt[] clients = await ConnectAsync(broker, count, 16 << 10);
        await Task.WhenAll(clients.Select(c => c.SubscribeAsync("bench/fan")));
        using RawMqtt publisher = await RawMqtt.ConnectAsync(broker.Address, "publisher");
        long deliveries = 0;
        Task[] receiving = [.. clients.Select(c => Task.Run(() => c.ReceiveAsync(long.MaxValue, n => Interlocked.Add(ref deliveries, n))))];
        using CancellationTokenSource stop = new(run.Duration * 3, TimeProvider.System);
        Task<long> publishing = publisher.PublishForAsync("bench/fan", PayloadBytes, Window, stop.Token);
        await Task.Delay(run.Duration, TimeProvider.System);
        long before = Interlocked.Read(ref deliveries);
        await Task.Delay(run.Duration, TimeProvider.System);
        long taken = Interlocked.Read(ref deliveries) - before;
        await publishing;
        Array.ForEach(clients, c => c.Dispose());
        try
        {
            await Task.WhenAll(receiving);
        }
        catch (Exception closed) when (closed is System.Net.Sockets.SocketException or ObjectDisposedException)
        {
            // They end with their connections.
        }

        return taken / run.Duration.TotalSeconds;
    }
}

/// <summary>What an idle connection costs.</summary>
internal sealed class MqttIdleRow : MqttRow
{
    public override string Name => "mqtt-idle";

    public override string Measures => "resident memory for each of 10,000 idle connections";

    public override string Goal => "<= 20 KB";

    protected override string Unit => "KB";

    protected override async Task<double> MeasureAsync(BenchRun run, Broker broker)
    {
        int count = run.Small ? 100 : 10_000;

        // What the first connections touch is not theirs.
        RawMqtt[] first = await ConnectAsync(broker, "first", count / 10, 64);
        long before = broker.ResidentBytes;
        RawMqtt[] clients = await ConnectAsync(broker, count, 64);
        await Task.Delay(run.Duration, TimeProvider.System);
        long after = broker.ResidentBytes;
        Array.ForEach(clients, c => c.Dispose());
        Array.ForEach(first, c => c.Dispose());
        return (after - before) / 1024.0 / count;
    }
}
