namespace EdgeGateway;

/// <summary>What a run is made on: clusters, lines to them, the agent and its clock.</summary>
internal sealed record GatewayStage(ClusterRing Ring, IReadOnlyList<UplinkLine> Lines, AgentProcess Agent, AgentClock Clock);

/// <summary>One run, from empty clusters to a verdict.</summary>
internal sealed class GatewayRun(GatewayOptions options, Recordings recordings, string directory, IProgressView view, TimeProvider time)
{
    /// <summary>San Jose, which the agent prefers, and New York.</summary>
    public static readonly IReadOnlyList<string> ClusterNames = ["sj", "ny"];

    private const int EventsPerCommand = 10;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    /// <summary>How long everything must have been at rest before it is judged: a late duplicate would still come.</summary>
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(1);

    private readonly Random _chance = new(options.Seed);
    private readonly RunPhases _phases = new(time);

    /// <summary>Runs on clusters and an agent that are up.</summary>
    public async Task<GatewayReport> RunAsync(GatewayStage stage, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> names = Plant.Names(options.Machines);
        MachineLoad load = new(options, recordings, time);
        Judge judge = new(names, ClusterNames, MachineWorld.Plant, MachineWorld.Orders, hasReceipts: false);
        Saboteur saboteur = new(options.Sabotage, judge.Telemetry, _chance, load.ExpectedEvents);
        using ClientLogFile log = new(Path.Combine(directory, "clients.log"), time);
        string outboxes = Directory.CreateDirectory(Path.Combine(directory, "outboxes")).FullName;
        DeviceNumbers devices = new(names);
        Pauses pauses = new(names.Count, time);
        Latencies latencies = new(names.Count, time);
        TrialWorld backEndWorld = new(stage.Ring.Endpoints, outboxes, judge, saboteur, devices, log, time);
        MachineWorld machineWorld = new(stage.Agent.Ports.Machines, judge, devices, pauses, latencies, time);
        Story story = new(StoryPlan.For(options.Skip, _chance), stage.Ring, stage.Lines, stage.Agent, stage.Clock, load, pauses, time);
        latencies.Calm = () => story.Calm;
        LaneInspection inspection = new(stage.Ring, judge, saboteur, devices);

        await using BackEnd backEnd = await BackEnd.OpenAsync(backEndWorld, EventsPerCommand, cancellationToken);
        backEnd.Received = latencies.Delivered;
        await using Plant plant = Plant.Build(options, machineWorld);
        AgentWatch watch = new(stage.Agent, time);
        long began = time.GetTimestamp();
        GatewayMoment Moment() => MomentOf(stage, judge, plant, story, watch, time.GetElapsedTime(began));
        using CancellationTokenSource watching = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task picture = view.ShowAsync(Moment, watching.Token);
        plant.Start();
        Task looking = Task.CompletedTask;
        try
        {
            await _phases.WaitAsync("connecting", StartLimit, judge, async () => backEnd.Connection.Cluster is not null
                && plant.Connected + plant.Asleep == plant.Machines.Count
                && await stage.Agent.MetricsAsync(cancellationToken) is { IsConnected: true }, cancellationToken);
            began = time.GetTimestamp();
            looking = watch.RunAsync(Moment, watching.Token);
            _phases.Now = "load";
            Task telling = RunPhases.GuardAsync(story.RunAsync(cancellationToken), judge);
            await RunPhases.GuardAsync(load.RunAsync(plant.Machines, cancellationToken), judge);
            TimeSpan loaded = time.GetElapsedTime(began);
            _phases.Now = "waiting for the end of the story";
            await telling;
            plant.Wake();
            TimeSpan drained = await DrainAsync(stage, judge, saboteur, backEnd, plant, inspection, cancellationToken);
            _phases.Now = "reading every lane from every cluster";
            await RunPhases.GuardAsync(inspection.ReadAllAsync(cancellationToken), judge);
            saboteur.EndDeliveries();
            if (options.Sabotage != SabotageKind.None && saboteur.Deed is null)
            {
                judge.Fail("the saboteur found no victim");
            }

            Verdict verdict = judge.Decide();
            RunDurations durations = new(Seconds(loaded), Seconds(drained), Seconds(time.GetElapsedTime(began)));
            return GatewayReport.Of(options, recordings, stage, judge, verdict, plant, story, watch, backEnd.OrderReleased,
                pauses.Figures(), latencies.Figures(), saboteur.Deed, durations);
        }
        finally
        {
            await watching.CancelAsync();
            await picture;
            await looking;
        }
    }

    /// <summary>Waits until nothing is on its way any more, or until the limit.</summary>
    private async Task<TimeSpan> DrainAsync(GatewayStage stage, Judge judge, Saboteur saboteur, BackEnd backEnd, Plant plant,
        LaneInspection inspection, CancellationToken cancellationToken)
    {
        long began = time.GetTimestamp();
        TimeSpan Left() => TimeSpan.FromSeconds(options.Drain) - time.GetElapsedTime(began);
        Task WaitAsync(string what, Func<Task<bool>> isDone) => _phases.WaitAsync(what, Left(), judge, isDone, cancellationToken);
        await WaitAsync("machines drain", () => Task.FromResult(plant.Waiting == 0));
        await WaitAsync("the agent drains", async () => await stage.Agent.MetricsAsync(cancellationToken) is { Waiting: 0 });
        await WaitAsync("deliveries drain", () => Task.FromResult(
            judge.Telemetry.Delivered + saboteur.Withheld >= judge.Telemetry.Sent && backEnd.CommandsWaiting == 0));
        await WaitAsync("commands drain", () => Task.FromResult(
            backEnd.OutboxEvents == 0 && judge.Commands.Confirmed >= judge.Commands.Sent
            && judge.Commands.Delivered >= judge.Commands.Sent));
        await WaitAsync("clusters become level", () => inspection.AreLevelAsync(cancellationToken));
        TimeSpan took = time.GetElapsedTime(began);
        await Task.Delay(Settle, time, cancellationToken);
        return took;
    }

    private GatewayMoment MomentOf(GatewayStage stage, Judge judge, Plant plant, Story story, AgentWatch watch, TimeSpan elapsed) => new(
        elapsed, _phases.Now, [.. stage.Ring.Clusters.Select(static c => (c.Name.Value, c.IsUp))], stage.Agent.IsUp,
        stage.Agent.IsUp && watch.Last.IsConnected, plant.Connected, plant.Asleep, plant.Waiting, judge.Telemetry.Sent,
        watch.Last.Waiting, judge.Telemetry.Delivered, judge.Commands.Sent, judge.Commands.Delivered, stage.Agent.MemoryMegabytes,
        story.LastEvent);

    private static double Seconds(TimeSpan span) => Math.Round(span.TotalSeconds, 3);
}
