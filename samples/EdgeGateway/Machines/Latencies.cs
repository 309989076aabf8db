namespace EdgeGateway;

/// <summary>How long events take from a machine's publish to the back end's application. Safe for many threads.</summary>
internal sealed class Latencies(int machines, TimeProvider time)
{
    private readonly List<long>[] _published = [.. Enumerable.Range(0, machines).Select(static _ => new List<long>())];
    private readonly Lock _gate = new();
    private readonly List<double> _calm = [];
    private readonly List<double> _all = [];

    /// <summary>Whether nothing is broken, and was not lately.</summary>
    public Func<bool> IsCalm { get; set; } = static () => true;

    /// <summary>A machine publishes its next event; numbers begin with 1.</summary>
    public void Published(int machine)
    {
        lock (_published[machine])
        {
            _published[machine].Add(IsCalm() ? time.GetTimestamp() : -time.GetTimestamp());
        }
    }

    /// <summary>The back end was given it.</summary>
    public void Delivered(int machine, int number)
    {
        long at;
        lock (_published[machine])
        {
            at = number >= 1 && number <= _published[machine].Count ? _published[machine][number - 1] : 0;
        }

        if (at == 0)
        {
            return;
        }

        double milliseconds = time.GetElapsedTime(Math.Abs(at)).TotalMilliseconds;
        lock (_gate)
        {
            _all.Add(milliseconds);
            if (at > 0 && IsCalm())
            {
                _calm.Add(milliseconds);
            }
        }
    }

    /// <summary>Of events that were published and delivered while nothing was broken, and of all.</summary>
    public (Percentiles Calm, Percentiles All) Figures()
    {
        lock (_gate)
        {
            return (Percentiles.Of(_calm), Percentiles.Of(_all));
        }
    }
}
