namespace EdgeGateway;

/// <summary>How long each machine was without an acknowledgement when the agent was killed. Safe for many threads.</summary>
internal sealed class Pauses(int machines, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly long[] _since = new long[machines];
    private readonly List<double> _milliseconds = [];
    private volatile int _waiting;

    /// <summary>The agent was killed now.</summary>
    public void Killed()
    {
        lock (_gate)
        {
            long now = time.GetTimestamp();
            for (int i = 0; i < _since.Length; i++)
            {
                _waiting += _since[i] == 0 ? 1 : 0;
                _since[i] = now;
            }
        }
    }

    /// <summary>A machine was acknowledged something.</summary>
    public void Acknowledged(int machine)
    {
        if (_waiting == 0)
        {
            return;
        }

        lock (_gate)
        {
            if (_since[machine] != 0)
            {
                _milliseconds.Add(time.GetElapsedTime(_since[machine]).TotalMilliseconds);
                _since[machine] = 0;
                _waiting--;
            }
        }
    }

    public Percentiles Figures()
    {
        lock (_gate)
        {
            return Percentiles.Of(_milliseconds);
        }
    }
}

/// <summary>Percentiles in milliseconds; null when there was nothing to measure.</summary>
internal sealed record Percentiles(int Count, double? P50, double? P99, double? Max)
{
    /// <summary>By nearest rank, to a tenth of a millisecond.</summary>
    public static Percentiles Of(IReadOnlyCollection<double> milliseconds)
    {
        double[] sorted = [.. milliseconds.Order()];
        return new Percentiles(sorted.Length, At(sorted, 0.5), At(sorted, 0.99), At(sorted, 1));
    }

    private static double? At(double[] sorted, double part) =>
        sorted.Length == 0 ? null : Math.Round(sorted[Math.Max(0, (int)Math.Ceiling(part * sorted.Length) - 1)], 1);
}
