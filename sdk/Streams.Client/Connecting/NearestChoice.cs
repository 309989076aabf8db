namespace Streams.Client;

/// <summary>How a client orders its clusters.</summary>
public enum ClusterOrder
{
    /// <summary>As they stand in the list, the preferred first.</summary>
    AsListed,

    /// <summary>By how long connecting to them takes, the nearest first.</summary>
    Nearest,
}

/// <summary>Decides by measured connect times which cluster is the nearest, and when another one is enough nearer to go there.</summary>
/// <remarks>Pure: no I/O, no clock. Not safe for several threads. A client moves only when another cluster was nearer by a quarter and
/// by <see cref="LeastGain"/> in <see cref="LooksToMove"/> looks in a row, so that two of nearly the same distance do not get it to
/// and fro; a look that does not show it begins the count anew.</remarks>
internal sealed class NearestChoice(int clusters)
{
    /// <summary>Looks in a row that must show the same.</summary>
    public const int LooksToMove = 3;

    /// <summary>How much nearer, as a share of the present one's time.</summary>
    public const double ShareNearer = 0.25;

    private const int Kept = 5;                       // measures, of which the middle one counts: one slow connect says nothing
    private const int NearestProbed = 2;

    private readonly double[] _times = Filled(clusters);
    private readonly double[,] _measures = new double[clusters, Kept];
    private readonly int[] _measured = new int[clusters];
    private readonly int[] _probed = new int[clusters];
    private int _looks;
    private int _candidate = -1;
    private int _agreed;

    /// <summary>What is less than this is no reason to move.</summary>
    public static readonly TimeSpan LeastGain = TimeSpan.FromMilliseconds(5);

    /// <summary>A connect has taken so long.</summary>
    public void Measured(int cluster, TimeSpan took)
    {
        _measures[cluster, _measured[cluster]++ % Kept] = took.TotalMilliseconds;
        int count = Math.Min(_measured[cluster], Kept);
        Span<double> sorted = stackalloc double[Kept];
        for (int i = 0; i < count; i++)
        {
            sorted[i] = _measures[cluster, i];
        }

        sorted = sorted[..count];
        sorted.Sort();
        _times[cluster] = sorted[(count - 1) / 2];
        _probed[cluster] = _looks;
    }

    /// <summary>A connect has failed: what was measured of it says nothing any more.</summary>
    public void Failed(int cluster)
    {
        _times[cluster] = double.NaN;
        _measured[cluster] = 0;
        _probed[cluster] = _looks;
    }

    /// <summary>The clusters in order: those measured, the nearest first, then the others as listed.</summary>
    public void Order(Span<byte> order)
    {
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = (byte)i;
        }

        // By insertion: stable, and the list is short.
        for (int i = 1; i < order.Length; i++)
        {
            byte moving = order[i];
            int at = i;
            while (at > 0 && IsNearer(moving, order[at - 1]))
            {
                order[at] = order[at - 1];
                at--;
            }

            order[at] = moving;
        }
    }

    /// <summary>What to measure in this look: the present cluster, the nearest others, and the one not measured for longest.</summary>
    public IReadOnlyList<int> ToProbe(int current)
    {
        _looks++;
        Span<byte> order = stackalloc byte[_times.Length];
        Order(order);
        List<int> chosen = [current];
        int oldest = -1;
        foreach (byte i in order)
        {
            if (i == current)
            {
                continue;
            }

            if (chosen.Count <= NearestProbed && !double.IsNaN(_times[i]))
            {
                chosen.Add(i);
            }
            else if (oldest < 0 || _probed[i] < _probed[oldest])
            {
                oldest = i;
            }
        }

        if (oldest >= 0)
        {
            chosen.Add(oldest);
        }

        return chosen;
    }

    /// <summary>A look is over. Gives the cluster to go to, or -1 to stay.</summary>
    public int Looked(int current)
    {
        Span<byte> order = stackalloc byte[_times.Length];
        Order(order);
        int nearest = order[0];
        double now = _times[current];
        bool nearer = nearest != current && !double.IsNaN(now)
            && _times[nearest] <= now * (1 - ShareNearer) && now - _times[nearest] >= LeastGain.TotalMilliseconds;
        if (!nearer)
        {
            _candidate = -1;
            _agreed = 0;
            return -1;
        }

        _agreed = nearest == _candidate ? _agreed + 1 : 1;
        _candidate = nearest;
        if (_agreed < LooksToMove)
        {
            return -1;
        }

        _agreed = 0;
        return nearest;
    }

    private static double[] Filled(int count)
    {
        double[] times = new double[count];
        Array.Fill(times, double.NaN);
        return times;
    }

    private bool IsNearer(int one, int other) =>
        !double.IsNaN(_times[one]) && (double.IsNaN(_times[other]) || _times[one] < _times[other]);
}
