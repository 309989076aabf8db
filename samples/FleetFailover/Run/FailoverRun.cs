namespace FleetFailover;

/// <summary>One run, from empty clusters to a verdict.</summary>
internal sealed class FailoverRun(FleetOptions options, ReplayFile? replay, string directory, IProgressView view, TimeProvider time)
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    /// <summary>How long everything must have been at rest before it is judged: a late duplicate would still come.</summary>
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(1);

    /// <summary>San Jose, New York and London.</summary>
    public static readonly IReadOnlyList<string> ClusterNames = ["sj", "ny", "ldn"];

    private readonly Random _chance = new(options.Seed);
    private readonly RunPhases _phases = new(time);

    /// <summary>Runs on clusters that are up.</summary>
    public async Task<RunReport> RunAsync(ClusterRing ring, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> names = replay?.Vehicles ?? SimulatedFleet.Names(options.Cars);
        ILoad load = replay is null ? new SimulatedFleet(options, time) : new ReplayLoad(replay, options, time);
        Judge judge = FleetStreams.NewJudge(names, ClusterNames);
        Saboteur saboteur = new(options.Sabotage, judge.Telemetry, _chance, load.ExpectedEvents);
        ResumeTimes resume = new(names.Count, time);
        string outboxes = Directory.CreateDirectory(Path.Combine(directory, "outboxes")).FullName;
        using ClientLogFile log = new(Path.Combine(directory, "clients.log"), time);
        TrialWorld world = new(ring.Endpoints, outboxes, judge, saboteur, new DeviceNumbers(names), log, time);
        Killer killer = new(ring, KillPlan.For(options.Kill, _chance), load, resume, time);
        LaneInspection inspection = new(ring, judge, saboteur, world.Devices);

        await using Fleet fleet = await Fleet.OpenAsync(world, resume, cancellationToken);
        long began = time.GetTimestamp();
        using CancellationTokenSource watching = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task picture = view.ShowAsync(() => Figures(ring, world, fleet, killer, began), watching.Token);
        try
        {
            await _phases.WaitAsync("connecting", StartLimit, judge, () => Task.FromResult(fleet.IsConnected), cancellationToken);
            began = time.GetTimestamp();
            _phases.Now = "load";
            Task kills = RunPhases.GuardAsync(killer.RunAsync(fleet.Cars, cancellationToken), judge);
            await RunPhases.GuardAsync(load.RunAsync(fleet.Cars, cancellationToken), judge);
            TimeSpan loaded = time.GetElapsedTime(began);
            _phases.Now = "waiting for the killed cluster";
            await kills;
            TimeSpan drained = await DrainAsync(world, fleet, inspection, cancellationToken);
            _phases.Now = "reading every lane from every cluster";
            await RunPhases.GuardAsync(inspection.ReadAllAsync(cancellationToken), judge);
            _phases.Now = "judging";
            saboteur.EndDeliveries();
            if (options.Sabotage != SabotageKind.None && saboteur.Deed is null)
            {
                judge.Fail("the saboteur found no victim");
            }

            Verdict verdict = judge.Decide();
            return RunReport.Of(options, replay, judge, verdict, resume.Figures(), killer.Records, fleet.Figures, saboteur.Deed,
                new RunDurations(Seconds(loaded), Seconds(drained), Seconds(time.GetElapsedTime(began))));
        }
        finally
        {
            await watching.CancelAsync();
            await picture;
        }
    }

    /// <summary>Waits until nothing is on its way any more: outboxes empty, everything delivered, all clusters level; or until the
    /// limit.</summary>
    private async Task<TimeSpan> DrainAsync(TrialWorld world, Fleet fleet, LaneInspection inspection, CancellationToken cancellationToken)
    {
        long began = time.GetTimestamp();
        Judge judge = world.Judge;
        TimeSpan Left() => TimeSpan.FromSeconds(options.Drain) - time.GetElapsedTime(began);
        Task WaitAsync(string what, Func<Task<bool>> isDone) => _phases.WaitAsync(what, Left(), judge, isDone, cancellationToken);
        bool Confirmed() => judge.Telemetry.Confirmed >= judge.Telemetry.Sent && judge.Commands.Confirmed >= judge.Commands.Sent;
        bool Delivered() => judge.Telemetry.Delivered + world.Saboteur.Withheld >= judge.Telemetry.Sent
            && fleet.BackEnd.CommandsWaiting == 0
            && judge.Commands.Delivered >= judge.Commands.Sent;
        await WaitAsync("outboxes drain", () => Task.FromResult(fleet.InOutboxes == 0 && Confirmed()));
        await WaitAsync("deliveries drain", () => Task.FromResult(Delivered()));
        await WaitAsync("outboxes drain", () => Task.FromResult(fleet.InOutboxes == 0 && Confirmed()));
        await WaitAsync("clusters become level", () => inspection.AreLevelAsync(cancellationToken));
        TimeSpan took = time.GetElapsedTime(began);
        await Task.Delay(Settle, time, cancellationToken);
        return took;
    }

    private FleetFigures Figures(ClusterRing ring, TrialWorld world, Fleet fleet, Killer killer, long began)
    {
        Dictionary<string, int> connected = ClusterNames.ToDictionary(name => name, _ => 0);
        foreach (Car car in fleet.Cars)
        {
            if (car.Connection.Cluster is { } cluster)
            {
                connected[cluster.Value]++;
            }
        }

        Judge judge = world.Judge;
        return new FleetFigures(time.GetElapsedTime(began), _phases.Now,
            [.. ring.Clusters.Select(cluster => (cluster.Name.Value, cluster.IsUp, connected[cluster.Name.Value]))],
            fleet.BackEnd.Connection.Cluster?.Value ?? "-", judge.Telemetry.Sent, judge.Telemetry.Confirmed, judge.Telemetry.Delivered,
            judge.Commands.Sent, judge.Commands.Delivered, fleet.InOutboxes, killer.LastEvent);
    }

    private static double Seconds(TimeSpan span) => Math.Round(span.TotalSeconds, 3);
}
