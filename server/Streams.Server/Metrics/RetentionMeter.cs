using System.Diagnostics.Metrics;
using Streams.Storage;

namespace Streams.Server;

/// <summary>What retention took, what links hold back, and what space was given back.</summary>
internal sealed class RetentionMeter : IDisposable
{
    private readonly Meter _meter;
    private readonly Counter<long> _events;
    private readonly Counter<long> _entries;
    private readonly Counter<long> _bytes;
    private readonly Counter<long> _taken;
    private readonly Counter<long> _space;
    private readonly Counter<long> _segments;
    private readonly Counter<long> _facts;
    private long _heldEntries;
    private long _heldBytes;
    private double _doubted;

    public RetentionMeter(object scope)
    {
        _meter = new Meter(new MeterOptions("Streams.Server") { Scope = scope });
        _events = _meter.CreateCounter<long>("streams.retention.events", "{event}", "Events that retention took.");
        _entries = _meter.CreateCounter<long>("streams.retention.entries", "{entry}", "Lane entries that retention took.");
        _bytes = _meter.CreateCounter<long>("streams.retention.bytes", null, "Bytes of the entries that retention took.");
        _taken = _meter.CreateCounter<long>("streams.retention.taken.from.links", "{entry}",
            "Of the entries that retention took, those that a link still needed.");
        _space = _meter.CreateCounter<long>("streams.retention.space", "By", "Bytes given back to the file system.");
        _segments = _meter.CreateCounter<long>("streams.retention.segments", "{segment}", "Segments deleted.");
        _facts = _meter.CreateCounter<long>("streams.retention.facts", "{fact}",
            "Facts written once more because the records that told them went.");
        _meter.CreateObservableGauge("streams.retention.held.entries", () => Volatile.Read(ref _heldEntries), "{entry}",
            "Entries that could go if no link needed them.");
        _meter.CreateObservableGauge("streams.retention.held.bytes", () => Volatile.Read(ref _heldBytes), null,
            "Bytes of the entries that could go if no link needed them.");
        _meter.CreateObservableGauge("streams.retention.clock.doubted", () => Volatile.Read(ref _doubted), "s",
            "How far the wall clock is ahead of what retention believes.");
    }

    public void Went(in TrimCount count)
    {
        _events.Add(count.Events);
        _entries.Add(count.Entries);
        _bytes.Add(count.Bytes);
        _taken.Add(count.TakenFromLinks);
    }

    public void Held(long entries, long bytes)
    {
        Volatile.Write(ref _heldEntries, entries);
        Volatile.Write(ref _heldBytes, bytes);
    }

    public void Doubted(TimeSpan by) => Volatile.Write(ref _doubted, by.TotalSeconds);

    public void GaveBack(in ReclaimReport report)
    {
        _space.Add(report.Bytes);
        _segments.Add(report.Segments);
        _facts.Add(report.Facts);
    }

    public void Dispose() => _meter.Dispose();
}
