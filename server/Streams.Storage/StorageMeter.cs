using System.Diagnostics.Metrics;

namespace Streams.Storage;

/// <summary>The figures of the storage floor, under the meter <c>Streams.Storage</c>.</summary>
internal static class StorageMeter
{
    private static readonly Meter Meter = new("Streams.Storage");

    public static readonly Counter<long> Flushes = Meter.CreateCounter<long>("streams.storage.flushes", "{flush}",
        "Flushes to stable storage");

    public static readonly Histogram<double> FlushDuration =
        Meter.CreateHistogram<double>("streams.storage.flush.duration", "s", "Time of one write and flush");

    public static readonly Counter<long> BytesWritten = Meter.CreateCounter<long>("streams.storage.written", "By",
        "Bytes written to the log");

    public static readonly Histogram<int> GroupSize = Meter.CreateHistogram<int>("streams.storage.group.size", "{operation}",
        "Operations in one flush");

    public static readonly Counter<long> Failures = Meter.CreateCounter<long>("streams.storage.failures", "{failure}",
        "Writes and flushes that the disk refused, so that the end of the log had to be verified");

    public static readonly Counter<long> Lost = Meter.CreateCounter<long>("streams.storage.lost", "{entry}",
        "Entries declared lost: damaged or missing here, and nobody had them");

    public static readonly Counter<long> GotBack = Meter.CreateCounter<long>("streams.storage.repaired", "{entry}",
        "Entries that were damaged or missing here and were got back");

    public static readonly Counter<long> Refused = Meter.CreateCounter<long>("streams.storage.refused", "{operation}",
        "Operations refused while the disk was full or failed");
}
