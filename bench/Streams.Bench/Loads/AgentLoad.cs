using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace Streams.Bench;

/// <summary>Many devices that publish at a pace to one edge agent, which sends it all up to a server; and what that costs the agent's
/// process. The same devices at mosquitto, which sends nothing up, are the reference.</summary>
/// <param name="Events">Events acknowledged in the time that is measured.</param>
/// <param name="Idle">Resident memory in megabytes before a device came.</param>
/// <param name="Memory">Resident memory at the end.</param>
/// <param name="Anonymous">Of which memory of its own, not files and programs that others may share.</param>
/// <param name="CpuMicroseconds">Processor time for an event.</param>
/// <param name="WireBytes">Bytes to the cluster for an event.</param>
/// <param name="WrittenBytes">Bytes handed to the disk for an event.</param>
/// <param name="Commits">Flushes in a second.</param>
/// <param name="AckMilliseconds">Median from PUBLISH to PUBACK.</param>
internal sealed record AgentLoad(long Events, double Idle, double Memory, double Anonymous, double CpuMicroseconds, double WireBytes,
    double WrittenBytes, double Commits, double AckMilliseconds)
{
    /// <summary>Bytes of a payload, a line of JSON as sensors send it.</summary>
    public const int PayloadBytes = 200;

    /// <summary>Devices.</summary>
    public const int Devices = 1000;

    /// <summary>Events in a second.</summary>
    public const int Pace = 5000;

    /// <summary>Bytes of one PUBLISH of such an event, with QoS 1.</summary>
    public static int PublishBytes => RawMqtt.Publish(Topic(0), PayloadBytes, out _).Length;

    /// <summary>The load on the agent between its devices and a server.</summary>
    public static async Task<AgentLoad> AtAgentAsync(BenchRun run)
    {
        using BenchFolder folder = run.Folder();
        using Broker cluster = await Broker.StreamsAsync(folder.FullName);
        using Relay line = new(cluster.Address);
        using Broker agent = await Broker.AgentAsync(folder.FullName, line.Address);
        await Task.Delay(TimeSpan.FromSeconds(run.Small ? 0.2 : 5), TimeProvider.System);
        double idle = agent.Memory("VmRSS");
        return await RunAsync(run, agent, idle, () => line.BytesUp);
    }

    /// <summary>The same load on mosquitto, without persistence; <see langword="null"/> where it is not installed.</summary>
    public static async Task<AgentLoad?> AtMosquittoAsync(BenchRun run)
    {
        using BenchFolder folder = run.Folder();
        using Broker? broker = await Broker.MosquittoAsync(folder.FullName);
        return broker is null ? null : await RunAsync(run, broker, broker.Memory("VmRSS"), static () => 0);
    }

    private static async Task<AgentLoad> RunAsync(BenchRun run, Broker broker, double idle, Func<long> bytesUp)
    {
        int devices = run.Small ? 20 : Devices;
        TimeSpan period = TimeSpan.FromSeconds((double)Devices / Pace);
        RawMqtt[] clients = new RawMqtt[devices];
        for (int i = 0; i < devices; i++)
        {
            clients[i] = await RawMqtt.ConnectAsync(broker.Address, $"device-{i}", 1024);
        }

        using CancellationTokenSource stop = new();
        PacedDevice[] paced = [.. clients.Select((c, i) => new PacedDevice(c, Topic(i), new Random(i)))];
        Task publishing = Task.WhenAll(paced.Select(p => p.RunAsync(period, stop.Token)));
        await Task.Delay(run.Duration * 5, TimeProvider.System);           // begins to count when it runs
        (long events, TimeSpan cpu, long up, long written, long commits) = await AtAsync();
        long start = Stopwatch.GetTimestamp();
        await Task.Delay(run.Duration * 10, TimeProvider.System);
        (long events2, TimeSpan cpu2, long up2, long written2, long commits2) = await AtAsync();
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        double memory = broker.Memory("VmRSS");
        double anonymous = broker.Memory("RssAnon");
        await stop.CancelAsync();
        await publishing;
        Array.ForEach(clients, static c => c.Dispose());
        double count = Math.Max(1, events2 - events);
        double[] acks = [.. paced.SelectMany(static p => p.Acks).Order()];
        return new AgentLoad(events2 - events, idle, memory, anonymous, (cpu2 - cpu).TotalMicroseconds / count, (up2 - up) / count,
            (written2 - written) / count, (commits2 - commits) / seconds, acks.Length == 0 ? 0 : acks[acks.Length / 2]);

        async Task<(long, TimeSpan, long, long, long)> AtAsync() => (paced.Sum(static p => p.Count), broker.Cpu, bytesUp(),
            broker.WrittenBytes, broker.Http is null ? 0 : await broker.MetricAsync("streams_agent_store_commits_total"));
    }

    private static string Topic(int device) => string.Create(CultureInfo.InvariantCulture, $"plant/device-{device:0000}/telemetry");
}

/// <summary>A device that publishes a line of JSON once a period, the next when the one before is acknowledged.</summary>
internal sealed class PacedDevice(RawMqtt client, string topic, Random chance)
{
    private double _temperature = 60;
    private long _strokes = chance.Next(1_000_000);
    private long _count;

    /// <summary>Events acknowledged.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <summary>Milliseconds to each acknowledgement.</summary>
    public List<double> Acks { get; } = [];

    public async Task RunAsync(TimeSpan period, CancellationToken stop)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        long began = Stopwatch.GetTimestamp();
        TimeSpan due = period * chance.NextDouble();
        while (!stop.IsCancellationRequested)
        {
            TimeSpan wait = due - Stopwatch.GetElapsedTime(began);
            if (wait > TimeSpan.Zero)
            {
                await ((Task)Task.Delay(wait, TimeProvider.System, stop)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            long sent = Stopwatch.GetTimestamp();
            await client.PublishAsync(topic, Reading());
            Acks.Add(Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
            Interlocked.Increment(ref _count);
            due += period;
        }
    }

    private byte[] Reading()
    {
        _temperature += chance.NextDouble() - 0.5;
        _strokes += chance.Next(1, 4);
        string text = string.Create(CultureInfo.InvariantCulture,
            $"{{\"temperatureC\":{_temperature:0.00},\"vibrationG\":{chance.NextDouble():0.0000},\"pressureBar\":")
            + string.Create(CultureInfo.InvariantCulture, $"{180 + (8 * chance.NextDouble()):0.00},\"strokes\":{_strokes},")
            + "\"alarm\":false,\"shift\":2,\"operator\":\"none\",\"program\":\"";
        byte[] payload = new byte[AgentLoad.PayloadBytes];
        int length = System.Text.Encoding.ASCII.GetBytes(text, payload);
        chance.GetItems("0123456789abcdef"u8, payload.AsSpan(length, 8));
        payload.AsSpan(length + 8).Fill((byte)'0');
        "\"}"u8.CopyTo(payload.AsSpan(payload.Length - 2));
        return payload;
    }
}
