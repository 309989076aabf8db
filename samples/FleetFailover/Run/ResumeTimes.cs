using Streams.Core;

namespace FleetFailover;

/// <summary>How long each car was without a confirmation from a living cluster: from a kill to its first event that another cluster
/// confirmed.
/// Safe for many threads.</summary>
internal sealed class ResumeTimes(int cars, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly (ClusterName Killed, long At)?[] _waiting = new (ClusterName, long)?[cars];
    private readonly List<double> _milliseconds = [];
    private volatile int _waitingCars;

    /// <summary>Cars that have not resumed yet.</summary>
    public int Waiting => _waitingCars;

    /// <summary>A cluster was killed at <paramref name="at"/> while these cars were connected to it.</summary>
    public void Killed(ClusterName cluster, long at, IEnumerable<int> connected)
    {
        lock (_gate)
        {
            foreach (int car in connected)
            {
                _waitingCars += _waiting[car] is null ? 1 : 0;
                _waiting[car] = (cluster, at);
            }
        }
    }

    public void Confirmed(int car, ClusterName by)
    {
        if (_waitingCars == 0)
        {
            return;
        }

        lock (_gate)
        {
            if (_waiting[car] is { } kill && kill.Killed != by)
            {
                _waiting[car] = null;
                _waitingCars--;
                _milliseconds.Add(time.GetElapsedTime(kill.At).TotalMilliseconds);
            }
        }
    }

    public ResumeFigures Figures()
    {
        lock (_gate)
        {
            double[] sorted = [.. _milliseconds.Order()];
            return new ResumeFigures(sorted.Length, _waitingCars, At(sorted, 0.5), At(sorted, 0.99), At(sorted, 1));
        }
    }

    /// <summary>The nearest-rank percentile, to a tenth of a millisecond.</summary>
    private static double? At(double[] sorted, double part) =>
        sorted.Length == 0 ? null : Math.Round(sorted[Math.Max(0, (int)Math.Ceiling(part * sorted.Length) - 1)], 1);
}

/// <summary>Percentiles in milliseconds over <paramref name="Count"/> interruptions of a car; null when there was none. Missing are cars
/// that had nothing to publish, or whose cluster was back before another one had confirmed anything of theirs.</summary>
internal sealed record ResumeFigures(int Count, int Missing, double? P50, double? P99, double? Max);
