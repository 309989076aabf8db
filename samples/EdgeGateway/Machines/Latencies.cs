namespace EdgeGateway;

/// <summary>How long events take from a machine's publish to the back end's application. Safe for many threads.</summary>
internal sealed class Latencies(int machines, TimeProvider time)
{
    private readonly List<(long At, int Calm)>[] _published =
        [.. Enumerable.Range(0, machines).Select(static _ => new List<(long, int)>())];
    private readonly Lock _gate = new();
    private readonly List<double> _calm = [];
    private readonly List<double> _all = [];

    /// <summary>Numbers the stretches in which nothing is broken, and was not lately; 0 when something is.</summary>
    public Func<int> Calm { get; set; } = static () => 1;

    /// <summary>A machine publishes its next event; numbers begin with 1.</summary>
    public void Published(int machine)
    {
        lock (_published[machine])
        {
            _published[machine].Add((time.GetTimestamp(), Calm()));
        }
    }

    /// <summary>The back end was given it.</summary>
    public void Delivered(int machine, int number)
    {
        (long at, int calm) = (0, 0);
        lock (_published[machine])
        {
            if (number >= 1 && number <= _published[machine].Count)
            {
                (at, calm) = _published[machine][number - 1];
            }
        }

        if (at == 0)
        {
            return;
        }

        double milliseconds = time.GetElapsedTime(at).TotalMilliseconds;
        lock (_gate)
        {
            _all.Add(milliseconds);
            if (calm > 0 && calm == Calm())
            {
                _calm.Add(milliseconds);
            }
        }
    }

    /// <summary>Of events that were published and delivered within one stretch in which nothing was broken, and of all.</summary>
    public (Percentiles Calm, Percentiles All) Figures()
    {
        lock (_gate)
        {
            return (Percentiles.Of(_calm), Percentiles.Of(_all));
        }
    }
}
