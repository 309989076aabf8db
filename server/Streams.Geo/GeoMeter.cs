using System.Diagnostics.Metrics;

namespace Streams.Geo;

/// <summary>The figures of the links, meter <c>Streams.Geo</c>; each is tagged with the other cluster's name and the direction.</summary>
internal sealed class GeoMeter : IDisposable
{
    private readonly Meter _meter = new("Streams.Geo");
    private readonly Func<LinksStatus> _status;

    public GeoMeter(Func<LinksStatus> status)
    {
        _status = status;
        _meter.CreateObservableCounter("streams.link.sent", () => Each(s => s.BytesSent), "By", "Bytes sent over a link");
        _meter.CreateObservableCounter("streams.link.received", () => Each(s => s.BytesReceived), "By", "Bytes received over a link");
        _meter.CreateObservableCounter("streams.link.entries", () => Each(s => s.Entries), "{entry}",
            "Entries sent (out) or received (in)");
        _meter.CreateObservableCounter("streams.link.spared", () => Each(s => s.EntriesSpared), "{entry}",
            "Entries not offered because they had been there (out), or received though they were here (in)");
        _meter.CreateObservableCounter("streams.link.gap.entries", () => Each(s => s.GapEntries), "{entry}",
            "Entries that retention had taken before they went over a link, and that its receiver stepped over");
        _meter.CreateObservableCounter("streams.link.reconnects", () => Each(s => s.Reconnects), "{connection}", "Connections made again");
        _meter.CreateObservableGauge("streams.link.lag.events", () => Each(s => s.LagEvents), "{event}",
            "Events that the receiver does not hold yet");
        _meter.CreateObservableGauge("streams.link.lag.time", () => Each(s => s.Lag.TotalSeconds), "s",
            "Age of the oldest entry not acknowledged");
        _meter.CreateObservableGauge("streams.link.level", () => Each(s => s.State == LinkState.Level ? 1 : 0), "{link}",
            "1 when the receiver holds all");
    }

    public void Dispose() => _meter.Dispose();

    private List<Measurement<T>> Each<T>(Func<LinkStatus, T> value)
        where T : struct
    {
        LinksStatus status = _status();
        List<Measurement<T>> all = [];
        foreach (LinkStatus link in status.Outgoing)
        {
            all.Add(Of(link, "out", value));
        }

        foreach (LinkStatus link in status.Incoming)
        {
            all.Add(Of(link, "in", value));
        }

        return all;
    }

    private static Measurement<T> Of<T>(LinkStatus link, string direction, Func<LinkStatus, T> value)
        where T : struct =>
        new(value(link), new KeyValuePair<string, object?>("cluster", link.Name.Value),
            new KeyValuePair<string, object?>("direction", direction));
}
