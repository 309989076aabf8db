using System.Globalization;

namespace EdgeGateway;

/// <summary>What happened, as it happened.</summary>
/// <param name="AtSeconds">Seconds into the load.</param>
/// <param name="What">What.</param>
/// <param name="Text">More of it, for people.</param>
internal sealed record StoryRecord(double AtSeconds, Happening What, string Text);

/// <summary>Carries out a plan while the load runs.</summary>
internal sealed class Story(IReadOnlyList<StoryStep> plan, ClusterRing ring, IReadOnlyList<UplinkLine> lines, AgentProcess agent,
    AgentClock clock, MachineLoad load, Pauses pauses, TimeProvider time)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    /// <summary>How long after something all counts as calm again.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(2);

    private readonly List<StoryRecord> _records = [];
    private long _began;
    private long _lastStep;
    private int _broken;
    private int _steps;

    public IReadOnlyList<StoryRecord> Records
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

    /// <summary>Numbers the stretches in which nothing is broken, and was not lately, from 1; 0 when something is.</summary>
    public int Calm => Volatile.Read(ref _broken) == 0
        && (Volatile.Read(ref _lastStep) == 0 || time.GetElapsedTime(Volatile.Read(ref _lastStep)) > Settled)
        ? Volatile.Read(ref _steps) + 1 : 0;

    /// <summary>Ends when the plan is done, and everything is up again.</summary>
    /// <exception cref="ClusterFailedException">Something did not come back.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        _began = time.GetTimestamp();
        foreach (StoryStep step in plan)
        {
            while (load.Done < step.At)
            {
                await Task.Delay(Look, time, cancellationToken);
            }

            Interlocked.Increment(ref _steps);
            Volatile.Write(ref _lastStep, time.GetTimestamp());
            await DoAsync(step.What, cancellationToken);
            Volatile.Write(ref _lastStep, time.GetTimestamp());
        }
    }

    private async Task DoAsync(Happening what, CancellationToken cancellationToken)
    {
        switch (what)
        {
            case Happening.UplinkCut:
                Interlocked.Increment(ref _broken);
                Each(static line => line.Cut());
                Note(what, "the uplink is cut");
                break;
            case Happening.UplinkHeldUp:
                Interlocked.Increment(ref _broken);
                Each(static line => line.Stall());
                Note(what, "the uplink carries nothing, connections stay");
                break;
            case Happening.UplinkMended:
                Each(static line => line.Mend());
                Note(what, "the uplink is mended");
                Interlocked.Decrement(ref _broken);
                break;
            case Happening.ClusterKilled:
                Interlocked.Increment(ref _broken);
                await ring.Clusters[0].KillAsync();
                Note(what, $"{ring.Clusters[0].Name} killed");
                break;
            case Happening.ClusterBack:
                await ring.Clusters[0].StartAsync(StartLimit, cancellationToken);
                Note(what, $"{ring.Clusters[0].Name} back");
                Interlocked.Decrement(ref _broken);
                break;
            case Happening.AgentKilled:
                await KillAgentAsync(cancellationToken);
                break;
            default:
                Jump(what, what == Happening.ClockAhead ? StoryPlan.Ahead : -StoryPlan.Back);
                break;
        }
    }

    private async Task KillAgentAsync(CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _broken);
        await agent.KillAsync();
        pauses.Killed();
        long killed = time.GetTimestamp();
        LastEvent = "agent killed";
        await agent.StartAsync(StartLimit, cancellationToken);
        Note(Happening.AgentKilled, string.Create(CultureInfo.InvariantCulture,
            $"agent killed, back after {time.GetElapsedTime(killed).TotalSeconds:0.0} s"));
        Interlocked.Decrement(ref _broken);
    }

    private void Jump(Happening what, TimeSpan by)
    {
        if (clock.WhyNot is { } why)
        {
            Note(what, $"the clock was NOT set: {why}");
            return;
        }

        clock.Jump(by);
        Note(what, $"the agent's clock jumps {Math.Abs(by.Days)} days {(by > TimeSpan.Zero ? "ahead" : "back")}");
    }

    private void Each(Action<UplinkLine> action)
    {
        foreach (UplinkLine line in lines)
        {
            action(line);
        }
    }

    private void Note(Happening what, string text)
    {
        LastEvent = text;
        lock (_records)
        {
            _records.Add(new StoryRecord(Math.Round(time.GetElapsedTime(_began).TotalSeconds, 2), what, text));
        }
    }
}
