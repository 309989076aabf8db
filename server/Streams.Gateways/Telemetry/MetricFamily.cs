using System.Diagnostics.Metrics;

namespace Streams.Gateways;

/// <summary>How a metric is shown.</summary>
internal enum MetricType
{
    Counter,
    Gauge,
    Histogram,
}

/// <summary>One instrument and its series. Finding a series that exists takes no lock and no memory.</summary>
internal sealed class MetricFamily
{
    /// <summary>Most series of one instrument: a label with too many values must not eat the memory. Values beyond it are dropped and
    /// counted.</summary>
    public const int MaxSeries = 1000;

    private readonly Lock _gate = new();
    private volatile Dictionary<int, MetricSeries> _series = [];
    private int _count;
    private long _dropped;

    public MetricFamily(Instrument instrument, MetricType type, bool isObserved, double[]? bounds)
    {
        Name = PrometheusText.Name(instrument, type);
        Help = instrument.Description ?? string.Empty;
        Type = type;
        IsObserved = isObserved;
        Bounds = bounds;
    }

    public string Name { get; }

    public string Help { get; }

    public MetricType Type { get; }

    /// <summary>Whether values are asked for at a scrape; series that are not named then are left out.</summary>
    public bool IsObserved { get; }

    public double[]? Bounds { get; }

    public long Dropped => Interlocked.Read(ref _dropped);

    public IEnumerable<MetricSeries> Series
    {
        get
        {
            foreach (MetricSeries first in _series.Values)
            {
                for (MetricSeries? series = first; series is not null; series = series.Next)
                {
                    yield return series;
                }
            }
        }
    }

    /// <summary>Takes a measurement. <paramref name="isSum"/> says that it is added to what was measured before.</summary>
    public void Take(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, bool isSum)
    {
        if (Find(tags) is not { } series)
        {
            Interlocked.Increment(ref _dropped);
        }
        else if (Type == MetricType.Histogram)
        {
            series.Record(value);
        }
        else if (isSum)
        {
            series.Add(value);
        }
        else
        {
            series.Set(value);
        }
    }

    private MetricSeries? Find(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        int hash = MetricSeries.Hash(tags);
        return Lookup(_series, hash, tags) ?? Make(hash, tags);
    }

    private static MetricSeries? Lookup(Dictionary<int, MetricSeries> all, int hash, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        MetricSeries? series = all.GetValueOrDefault(hash);
        while (series is not null && !series.Has(tags))
        {
            series = series.Next;
        }

        return series;
    }

    private MetricSeries? Make(int hash, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        lock (_gate)
        {
            if (Lookup(_series, hash, tags) is { } made)
            {
                return made;
            }

            if (_count == MaxSeries)
            {
                return null;
            }

            MetricSeries series = new(tags.ToArray(), Bounds) { Next = _series.GetValueOrDefault(hash) };
            _series = new Dictionary<int, MetricSeries>(_series) { [hash] = series };
            _count++;
            return series;
        }
    }
}
