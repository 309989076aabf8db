using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Streams.Gateways;

/// <summary>Listens to the instruments of all meters named <c>Streams.…</c> and to the runtime's, and gives what they measured as
/// Prometheus text.</summary>
public sealed class MetricCollector : IDisposable
{
    /// <summary>The media type of what <see cref="Scrape"/> gives.</summary>
    public const string ContentType = PrometheusText.ContentType;

    private readonly ConcurrentDictionary<Instrument, MetricFamily> _families = new();
    private readonly MeterListener _listener = new();
    private readonly Lock _scrape = new();
    private readonly object _scope;

    /// <summary>Begins to listen. Of meters that have a scope only those of <paramref name="scope"/> are heard.</summary>
    public MetricCollector(object scope)
    {
        _scope = scope;
        _listener.InstrumentPublished = OnPublished;
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, state) => Take(state, value, tags));
        _listener.SetMeasurementEventCallback<int>(static (_, value, tags, state) => Take(state, value, tags));
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, state) => Take(state, value, tags));
        _listener.SetMeasurementEventCallback<float>(static (_, value, tags, state) => Take(state, value, tags));
        _listener.SetMeasurementEventCallback<short>(static (_, value, tags, state) => Take(state, value, tags));
        _listener.SetMeasurementEventCallback<byte>(static (_, value, tags, state) => Take(state, value, tags));
        _listener.SetMeasurementEventCallback<decimal>(static (_, value, tags, state) => Take(state, (double)value, tags));
        _listener.Start();
    }

    /// <summary>What was measured, as text.</summary>
    public string Scrape()
    {
        lock (_scrape)
        {
            foreach (MetricFamily family in _families.Values.Where(f => f.IsObserved))
            {
                foreach (MetricSeries series in family.Series)
                {
                    series.Forget();
                }
            }

            _listener.RecordObservableInstruments();
            return PrometheusText.Write([.. _families.Values]);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    private static void Take(object? state, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (state is Target target)
        {
            target.Family.Take(value, tags, target.IsSum);
        }
    }

    private void OnPublished(Instrument instrument, MeterListener listener)
    {
        Meter meter = instrument.Meter;
        bool ours = meter.Name.StartsWith("Streams.", StringComparison.Ordinal)
            && (meter.Scope is null || ReferenceEquals(meter.Scope, _scope));
        if (!ours && meter.Name != "System.Runtime")
        {
            return;
        }

        Type kind = instrument.GetType().GetGenericTypeDefinition();
        MetricType type = kind == typeof(Counter<>) || kind == typeof(ObservableCounter<>) ? MetricType.Counter
            : kind == typeof(Histogram<>) ? MetricType.Histogram
            : MetricType.Gauge;
        bool isSum = kind == typeof(Counter<>) || kind == typeof(UpDownCounter<>);
        double[]? bounds = type == MetricType.Histogram ? HistogramBounds.Of(instrument) : null;
        MetricFamily family = _families.GetOrAdd(instrument, i => new MetricFamily(i, type, i.IsObservable, bounds));
        listener.EnableMeasurementEvents(instrument, new Target(family, isSum));
    }

    private sealed record Target(MetricFamily Family, bool IsSum);
}
