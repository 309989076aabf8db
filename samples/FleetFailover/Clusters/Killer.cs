namespace FleetFailover;

/// <summary>Carries out a kill plan while the load runs: SIGKILL, later the same data on the same ports again.</summary>
internal sealed class Killer(ClusterRing ring, IReadOnlyList<KillStep> plan, ILoad load, ResumeTimes resume, TimeProvider time)
{
    /// <summary>Least time that a cluster stays down, however short the load is: clients must notice.</summary>
    private static readonly TimeSpan LeastDown = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan RestartLimit = TimeSpan.FromSeconds(60);

    private readonly List<KillRecord> _records = [];

    public IReadOnlyList<KillRecord> Records
    {
        get
        {
            lock (_records)
            {
                return [.. _records];
            }
        }
    }

    /// <summary>What happened last, for people.</summary>
    public string LastEvent { get; private set; } = string.Empty;

    /// <summary>Ends when the plan is done, and every cluster is up again.</summary>
    /// <exception cref="ClusterFailedException">A cluster did not come back.</exception>
    public async Task RunAsync(IReadOnlyList<Car> cars, CancellationToken cancellationToken)
    {
        long began = time.GetTimestamp();
        foreach (KillStep step in plan)
        {
            await LoadReachesAsync(step.Down, cancellationToken);
            ClusterProcess cluster = ring.Clusters[step.Cluster];
            int[] connected = [.. cars.Where(car => car.Connection.Cluster == cluster.Name).Select(car => car.Index)];
            long killed = time.GetTimestamp();
            resume.Killed(cluster.Name, killed, connected);
            await cluster.KillAsync();
            LastEvent = $"{cluster.Name} killed";
            KillRecord record = new(cluster.Name.Value, Math.Round(time.GetElapsedTime(began, killed).TotalSeconds, 3), null,
                connected.Length);
            Keep(record, isNew: true);

            await LoadReachesAsync(step.Up, cancellationToken);
            TimeSpan down = time.GetElapsedTime(killed);
            if (down < LeastDown)
            {
                await Task.Delay(LeastDown - down, time, cancellationToken);
            }

            LastEvent = $"{cluster.Name} starting";
            await cluster.StartAsync(RestartLimit, cancellationToken);
            LastEvent = $"{cluster.Name} back";
            Keep(record with { DownSeconds = Math.Round(time.GetElapsedTime(killed).TotalSeconds, 3) }, isNew: false);
        }
    }

    private async Task LoadReachesAsync(double part, CancellationToken cancellationToken)
    {
        while (load.Done < part)
        {
            await Task.Delay(Look, time, cancellationToken);
        }
    }

    private void Keep(KillRecord record, bool isNew)
    {
        lock (_records)
        {
            if (!isNew)
            {
                _records.RemoveAt(_records.Count - 1);
            }

            _records.Add(record);
        }
    }
}
