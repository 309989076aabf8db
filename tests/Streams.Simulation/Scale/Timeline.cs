namespace Streams.Simulation;

/// <summary>Something that happens at a moment.</summary>
internal interface IScheduled
{
    /// <summary>It is that moment.</summary>
    void Happen();
}

/// <summary>What will happen, in order of time, and at one time in the order in which it was planned: milliseconds of virtual
/// time.</summary>
internal sealed class Timeline : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly PriorityQueue<IScheduled, (long, long)> _plans = new();
    private long _planned;

    public long Now { get; private set; }

    /// <summary>Things that happened.</summary>
    public long Happened { get; private set; }

    public override long TimestampFrequency => 1000;

    public override DateTimeOffset GetUtcNow() => Start.AddMilliseconds(Now);

    public override long GetTimestamp() => Now;

    public void At(long time, IScheduled what) => _plans.Enqueue(what, (Math.Max(time, Now), ++_planned));

    public void At(long time, Action what) => At(time, new Plan(what));

    /// <summary>Moves to the next thing that happens, if it does so no later than <paramref name="until"/>.</summary>
    public bool Step(long until)
    {
        if (!_plans.TryPeek(out IScheduled? next, out (long Time, long) at) || at.Time > until)
        {
            Now = Math.Max(Now, until);
            return false;
        }

        _plans.Dequeue();
        Now = at.Time;
        Happened++;
        next.Happen();
        return true;
    }

    private sealed class Plan(Action what) : IScheduled
    {
        public void Happen() => what();
    }
}
