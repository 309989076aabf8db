namespace EdgeGateway;

/// <summary>A moment of the series that the report draws.</summary>
internal sealed record SeriesPoint(double Seconds, long Acknowledged, long Delivered, long AtMachines, long AtAgent, int Connected,
    double MemoryMegabytes, double StoreMegabytes);

/// <summary>Looks at the agent while a run goes on.</summary>
internal sealed class AgentWatch(AgentProcess agent, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly List<SeriesPoint> _series = [];

    /// <summary>What the agent said last.</summary>
    public AgentMetrics Last { get; private set; } = new(false, 0, 0, 0);

    /// <summary>Most resident memory seen, in megabytes.</summary>
    public double PeakMegabytes { get; private set; }

    /// <summary>Most events seen waiting to go up.</summary>
    public long PeakWaiting { get; private set; }

    public IReadOnlyList<SeriesPoint> Series
    {
        get
        {
            lock (_series)
            {
                return [.. _series];
            }
        }
    }

    /// <summary>Looks until cancelled.</summary>
    public async Task RunAsync(Func<GatewayMoment> moment, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                if (agent.IsUp && await agent.MetricsAsync(cancellationToken) is { } metrics)
                {
                    Last = metrics;
                    PeakWaiting = Math.Max(PeakWaiting, metrics.Waiting);
                }

                GatewayMoment now = moment();
                PeakMegabytes = Math.Max(PeakMegabytes, now.MemoryMegabytes);
                lock (_series)
                {
                    _series.Add(new SeriesPoint(Math.Round(now.Elapsed.TotalSeconds, 1), now.Acknowledged, now.Delivered, now.AtMachines,
                        now.AtAgent, now.Connected, Math.Round(now.MemoryMegabytes, 1), Math.Round(agent.StoreBytes / 1048576.0, 2)));
                }

                await Task.Delay(Interval, time, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
        }
    }
}
