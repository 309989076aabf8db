using Streams.Client;
using Streams.Core;

namespace EdgeGateway;

/// <summary>A day without an uplink at 1,000 events a second: the events of it are published as fast as the agent takes them, while its
/// clock goes through 24 hours. Then the uplink is back, and live data pass while the backlog drains.</summary>
internal sealed class DayRun(GatewayOptions options, string directory, IProgressView view, TimeProvider time)
{
    /// <summary>Events of a day.</summary>
    public const long Events = 86_400_000;

    private const int Devices = 200;
    private const int LiveDevices = 50;
    private const double LivePerSecond = 1000;

    /// <summary>What the store may take beside its limit: what its page says.</summary>
    private const long StoreSlack = 1 << 20;

    /// <summary>Milliseconds: the back end is given what is as young as that, so nothing old stands before it.</summary>
    private const double CaughtUp = 250;

    private static readonly TimeSpan Day = TimeSpan.FromHours(24);
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly RunPhases _phases = new(time);
    private readonly DayLedger _ledger = new(Devices + LiveDevices);
    private readonly List<SeriesPoint> _series = [];
    private readonly List<double> _live = [];
    private readonly List<double> _afterwards = [];
    private readonly List<string> _faults = [];
    private DayDevice[] _liveDevices = [];
    private AgentMetrics _last = new(false, 0, 0, 0);
    private TimeSpan _simulated;
    private long _published;
    private double _lastAge = double.MaxValue;
    private volatile bool _drained;

    /// <summary>Bytes that the agent's store may take, by the scale.</summary>
    public static long StoreLimit(double scale) => Math.Max(16L << 20, (long)((1L << 30) * scale));

    /// <summary>Runs on clusters and an agent that are up.</summary>
    public async Task<DayReport> RunAsync(GatewayStage stage, CancellationToken cancellationToken)
    {
        string outboxes = Directory.CreateDirectory(Path.Combine(directory, "outboxes")).FullName;
        using ClientLogFile log = new(Path.Combine(directory, "clients.log"), time);
        Judge nobody = new([], GatewayRun.ClusterNames, MachineWorld.Plant, MachineWorld.Orders);
        Saboteur none = new(SabotageKind.None, nobody.Telemetry, new Random(options.Seed), 1);
        TrialWorld world = new(stage.Ring.Endpoints, outboxes, nobody, none, new DeviceNumbers([]), log, time);
        await using StreamsClient client = await world.OpenClientAsync("backend", cancellationToken);
        await using StreamsConsumer consumer = await client.ConsumeAsync(
            new ConsumerOptions { Name = ConsumerName.Parse("backend"), Stream = MachineWorld.Plant }, cancellationToken);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task reading = ReadAsync(consumer, stop.Token);
        long began = time.GetTimestamp();
        DayMoment Moment() => new(time.GetElapsedTime(began), _simulated, _phases.Now, _ledger.Acknowledged, _ledger.Delivered,
            _last.Waiting, _last.Dropped, stage.Agent.StoreBytes / 1048576.0, stage.Agent.MemoryMegabytes);
        Task picture = view.ShowAsync(Moment, stop.Token);
        Task watching = WatchAsync(stage.Agent, Moment, stop.Token);
        DayDevice[] devices = await ConnectAsync(stage.Agent, 0, Devices, cancellationToken);
        _liveDevices = await ConnectAsync(stage.Agent, Devices, LiveDevices, cancellationToken);
        try
        {
            await _phases.WaitAsync("connecting", StartLimit, nobody, () => Task.FromResult(_last.IsConnected), cancellationToken);
            Each(stage, static line => line.Cut());
            TimeSpan offline = await PassDayAsync(stage, devices, cancellationToken);
            int quarter = Math.Max(1, _series.Count / 4);
            SeriesPoint[] early = [.. _series.Take(quarter)];
            SeriesPoint[] late = [.. _series.TakeLast(quarter)];
            long acknowledged = _ledger.Acknowledged;
            long backlog = (await stage.Agent.MetricsAsync(cancellationToken) ?? _last).Waiting;

            (TimeSpan drained, List<double> acks) = await DrainAsync(stage, cancellationToken);
            _ledger.Close();
            Check(stage);
            return new DayReport
            {
                Passed = _faults.Count == 0,
                Scale = options.Scale,
                SimulatedHours = Math.Round(_simulated.TotalHours, 2),
                ClockNotSet = stage.Clock.WhyNot,
                Offline = acknowledged,
                OfflineSeconds = Math.Round(offline.TotalSeconds, 1),
                Acknowledged = _ledger.Acknowledged,
                Delivered = _ledger.Delivered,
                Missing = _ledger.Missing,
                Dropped = _last.Dropped,
                OutOfOrderOrTwice = _ledger.OutOfOrderOrTwice,
                StoreLimit = StoreLimit(options.Scale),
                StorePeak = StorePeak,
                MemoryEarly = early.Max(static p => p.MemoryMegabytes),
                MemoryLate = late.Max(static p => p.MemoryMegabytes),
                MemoryDraining = _series.TakeLast(Math.Max(1, (int)(drained.TotalSeconds * 2))).Max(static p => p.MemoryMegabytes),
                Backlog = backlog,
                DrainSeconds = Math.Round(drained.TotalSeconds, 2),
                DrainPerSecond = Math.Round(backlog / drained.TotalSeconds),
                LiveAcknowledged = Percentiles.Of(acks),
                LiveDelivered = Percentiles.Of(_live),
                LiveAfterwards = Percentiles.Of(_afterwards),
                Faults = _faults,
                Series = _series,
                Platform = ReportedPlatform.Here,
            };
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(picture, watching, reading);
            await Task.WhenAll(devices.Concat(_liveDevices).Select(static d => d.DisposeAsync().AsTask()));
        }
    }

    private long StorePeak => (long)(_series.Max(static p => p.StoreMegabytes) * 1048576);

    private async Task<DayDevice[]> ConnectAsync(AgentProcess agent, int from, int count, CancellationToken cancellationToken) =>
        await Task.WhenAll(Enumerable.Range(from, count).Select(i =>
            DayDevice.ConnectAsync(i, agent.Ports.Machines, _ledger, time, cancellationToken)));

    // The clock goes with the events, so that the last one is published 24 hours behind the first.
    private async Task<TimeSpan> PassDayAsync(GatewayStage stage, DayDevice[] devices, CancellationToken cancellationToken)
    {
        _phases.Now = "a day offline";
        long began = time.GetTimestamp();
        long all = (long)(Events * options.Scale);
        Task publishing = Task.WhenAll(devices.Select(d => d.PublishAsync((int)(all / devices.Length),
            () => Interlocked.Increment(ref _published), cancellationToken)));
        while (!publishing.IsCompleted)
        {
            Pass(Day * Math.Min(1, (double)Interlocked.Read(ref _published) / all));
            await Task.WhenAny(publishing, Task.Delay(TimeSpan.FromMilliseconds(100), time, cancellationToken));
        }

        await publishing;
        Pass(Day);
        return time.GetElapsedTime(began);

        void Pass(TimeSpan to)
        {
            if (stage.Clock.WhyNot is null && to > time.GetElapsedTime(began) + stage.Clock.Offset)
            {
                stage.Clock.Jump(to - time.GetElapsedTime(began) - stage.Clock.Offset);
            }

            _simulated = stage.Clock.WhyNot is null ? to : time.GetElapsedTime(began);
        }
    }

    private async Task<(TimeSpan Took, List<double> Acknowledged)> DrainAsync(GatewayStage stage, CancellationToken cancellationToken)
    {
        using CancellationTokenSource enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<List<double>[]> live = Task.WhenAll(_liveDevices.Select(d =>
            d.PublishPacedAsync(TimeSpan.FromSeconds(LiveDevices / LivePerSecond), enough.Token)));
        _phases.Now = "draining with live data";
        long began = time.GetTimestamp();
        Each(stage, static line => line.Mend());
        TimeSpan limit = TimeSpan.FromSeconds(Math.Max(options.Drain, 3600 * options.Scale));
        while (await stage.Agent.MetricsAsync(cancellationToken) is not { Waiting: < (long)LivePerSecond }
            && time.GetElapsedTime(began) < limit)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), time, cancellationToken);
        }

        TimeSpan took = time.GetElapsedTime(began);
        _phases.Now = "the back end catches up";
        while (Volatile.Read(ref _lastAge) > CaughtUp && time.GetElapsedTime(began) < limit)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), time, cancellationToken);
        }

        _drained = true;
        _phases.Now = "live data alone";
        await Task.Delay(TimeSpan.FromSeconds(3), time, cancellationToken);
        await enough.CancelAsync();
        List<double> acks = [.. (await live).SelectMany(static a => a)];
        _phases.Now = "the rest";
        while ((await stage.Agent.MetricsAsync(cancellationToken) is not { Waiting: 0 } rest
            || _ledger.Delivered + rest.Dropped < _ledger.Acknowledged) && time.GetElapsedTime(began) < limit)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), time, cancellationToken);
        }

        _last = await stage.Agent.MetricsAsync(cancellationToken) ?? _last;
        return (took, acks);
    }

    private void Check(GatewayStage stage)
    {
        long most = StoreLimit(options.Scale) + StoreSlack;
        Fault(StorePeak > most, $"the store took {StorePeak} bytes, {most} are declared");
        Fault(_ledger.OutOfOrderOrTwice > 0, $"{_ledger.OutOfOrderOrTwice} events out of order or twice");
        Fault(_ledger.Missing > _last.Dropped, $"{_ledger.Missing} events are missing, the agent dropped {_last.Dropped}");
        Fault(_ledger.Delivered + _ledger.Missing != _ledger.Acknowledged,
            $"{_ledger.Acknowledged} acknowledged, {_ledger.Delivered} delivered and {_ledger.Missing} missing");
        Fault(!stage.Agent.IsUp, "the agent went");
        int quarter = _series.Count / 4;
        if (quarter > 4)
        {
            // A heap that grows with the backlog would be many times the first quarter's by then.
            double early = _series.Skip(quarter / 2).Take(quarter).Max(static p => p.MemoryMegabytes);
            double all = _series.Max(static p => p.MemoryMegabytes);
            Fault(all > early * 2, $"memory grew from {early:0} to {all:0} MB");
        }
    }

    private void Fault(bool isOne, string text)
    {
        if (isOne)
        {
            _faults.Add(text);
        }
    }

    private async Task ReadAsync(StreamsConsumer consumer, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (ReceivedEvent received in consumer.ReadAllAsync(cancellationToken))
            {
                int number = DayDevice.NumberOf(received.Payload.Span);
                int device = int.Parse(received.Topic.Value.AsSpan(8, 4), null);
                _ledger.Deliver(device, number);
                if (device >= Devices && _liveDevices[device - Devices].Age(number) is { } age)
                {
                    (_drained ? _afterwards : _live).Add(age);
                    Volatile.Write(ref _lastAge, age);
                }

                received.Acknowledge();
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task WatchAsync(AgentProcess agent, Func<DayMoment> moment, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                _last = await agent.MetricsAsync(cancellationToken) ?? _last;
                DayMoment now = moment();
                _series.Add(new SeriesPoint(Math.Round(now.Elapsed.TotalSeconds, 1), now.Acknowledged, now.Delivered, 0, now.Waiting,
                    Devices + LiveDevices, Math.Round(now.MemoryMegabytes, 1), Math.Round(now.StoreMegabytes, 2)));
                await Task.Delay(TimeSpan.FromMilliseconds(500), time, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private static void Each(GatewayStage stage, Action<UplinkLine> action)
    {
        foreach (UplinkLine line in stage.Lines)
        {
            action(line);
        }
    }
}
