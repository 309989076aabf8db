using System.Collections.Concurrent;
using Streams.Core;
using Streams.Geo;
using Streams.Storage;

namespace Streams.Simulation;

/// <summary>What was seen of the links into one cluster, over all its restarts.</summary>
internal sealed class LinkObservations
{
    public long EntriesOffered;

    public ConcurrentQueue<string> Violations { get; } = [];
}

/// <summary>The container as links see it, with a look at everything they bring: nothing may return to a cluster on its path (invariant
/// 5), unless that
/// cluster had asked for it because it lacked it (rule R13).</summary>
internal sealed class WatchedStore(Container container, LinkObservations seen) : ILaneStore
{
    public Origin Origin => container.Origin;

    public IReadOnlyList<LaneStatus> Lanes() => container.Lanes();

    public LaneStatus? Lane(LaneId lane) => container.Lane(lane);

    public IReadOnlyList<DamagedRange> Damaged() => container.Damaged();

    public Incarnation? LatestIncarnation(ClusterName cluster) => container.LatestIncarnation(cluster);

    public ValueTask<LaneSlice> ReadAsync(LaneId lane, EntryNumber from, int maxBytes, CancellationToken cancellationToken) =>
        container.ReadAsync(lane, from, maxBytes, cancellationToken);

    public ValueTask<IngestResult> IngestAsync(LaneId lane, IReadOnlyList<LaneEntry> entries, CancellationToken cancellationToken)
    {
        EntryNumber held = container.Lane(lane)?.NextEntry ?? default;
        foreach (LaneEntry entry in entries)
        {
            Interlocked.Increment(ref seen.EntriesOffered);
            if (entry.Number < held && entry.Path.Contains(Origin))
            {
                seen.Violations.Enqueue($"{lane} entry {entry.Number} came back to {Origin}, path {entry.Path}");
            }
        }

        return container.IngestAsync(lane, entries, cancellationToken);
    }

    public ValueTask SkipToAsync(LaneId lane, EntryNumber first, Offset firstOffset, CancellationToken cancellationToken) =>
        container.SkipToAsync(lane, first, firstOffset, cancellationToken);

    public LostRun? Lost(LaneId lane, EntryNumber entry) => container.Lost(lane, entry);

    public ValueTask<IngestResult> TakeOutAsync(LaneId lane, EntryNumber first, EntryNumber next, Offset nextOffset,
        CancellationToken cancellationToken) =>
        container.TakeOutAsync(lane, first, next, nextOffset, cancellationToken);

    public ValueTask<IReadOnlyList<LostRun>> DeclareLostAsync(LaneId lane, EntryNumber first, EntryNumber next, string why,
        CancellationToken cancellationToken) =>
        container.DeclareLostAsync(lane, first, next, why, cancellationToken);

    public IEnumerable<StateItem> State(long since, out long revision) => container.State(since, out revision);

    public ValueTask<IReadOnlyList<StateItem>> JoinAsync(IReadOnlyList<StateItem> items, CancellationToken cancellationToken) =>
        container.JoinAsync(items, cancellationToken);

    public ValueTask OpenIncarnationAsync(string reason, CancellationToken cancellationToken) => container.OpenIncarnationAsync(reason,
        cancellationToken);

    public IDisposable Watch(Action changed) => container.Watch(changed);
}
