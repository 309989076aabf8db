using Microsoft.Extensions.Logging;
using Streams.Cluster;
using Streams.Core;
using Streams.Geo;
using Streams.Storage;

namespace Streams.Server;

/// <summary>The container as links see it. A new incarnation that they open is recorded in the catalog too.</summary>
internal sealed class ContainerLaneStore(Engine engine, LocalCatalog catalog, ILogger logger) : ILaneStore
{
    private Container Any => engine.Container;

    public Origin Origin => Any.Origin;

    public IReadOnlyList<LaneStatus> Lanes() => Any.Lanes();

    public LaneStatus? Lane(LaneId lane) => engine.For(lane.Partition).Lane(lane);

    public IReadOnlyList<DamagedRange> Damaged() => Any.Damaged();

    public Incarnation? LatestIncarnation(ClusterName cluster) => Any.LatestIncarnation(cluster);

    public ValueTask<LaneSlice> ReadAsync(LaneId lane, EntryNumber from, int maxBytes, CancellationToken cancellationToken) =>
        engine.For(lane.Partition).ReadAsync(lane, from, maxBytes, cancellationToken);

    public ValueTask<IngestResult> IngestAsync(LaneId lane, IReadOnlyList<LaneEntry> entries, CancellationToken cancellationToken) =>
        engine.For(lane.Partition).IngestAsync(lane, entries, cancellationToken);

    public ValueTask SkipToAsync(LaneId lane, EntryNumber first, Offset firstOffset, CancellationToken cancellationToken) =>
        engine.For(lane.Partition).SkipToAsync(lane, first, firstOffset, cancellationToken);

    public LostRun? Lost(LaneId lane, EntryNumber entry) => engine.For(lane.Partition).Lost(lane, entry);

    public ValueTask<IngestResult> TakeOutAsync(LaneId lane, EntryNumber first, EntryNumber next, Offset nextOffset,
        CancellationToken cancellationToken) =>
        engine.For(lane.Partition).TakeOutAsync(lane, first, next, nextOffset, cancellationToken);

    public ValueTask<IReadOnlyList<LostRun>> DeclareLostAsync(LaneId lane, EntryNumber first, EntryNumber next, string why,
        CancellationToken cancellationToken) =>
        engine.For(lane.Partition).DeclareLostAsync(lane, first, next, why, cancellationToken);

    public IEnumerable<StateItem> State(long since, out long revision) => Any.State(since, out revision);

    public ValueTask<IReadOnlyList<StateItem>> JoinAsync(IReadOnlyList<StateItem> items, CancellationToken cancellationToken) =>
        Any.JoinAsync(items, cancellationToken);

    // Should the process end between the two, the next start finds a later incarnation in the store than in the catalog, and opens one
    // more.
    public async ValueTask OpenIncarnationAsync(string reason, CancellationToken cancellationToken)
    {
        long logEnd = Any.Status().Bytes;
        await Any.OpenIncarnationAsync(reason, cancellationToken);
        Incarnation opened = Any.Origin.Incarnation;
        catalog.Move(opened, logEnd);
        ServerLog.OpenedWhileRunning(logger, opened, reason);
    }

    public IDisposable Watch(Action changed) => Any.Watch(changed);
}
