using Streams.Core;

namespace Streams.Storage;

/// <summary>The joined state as items for links (rule R16).</summary>
internal static class StateSnapshot
{
    /// <summary>What changed since a revision, as it is now; all of it since 0. Runs of producers only where this cluster does
    /// not keep the entries (rule R8): runs of kept entries come with the entries.</summary>
    public static List<StateItem> Take(ContainerState state, long since)
    {
        List<StateItem> items = [.. state.Origins.Since(since).Select(StateItems.Of)];
        items.AddRange(state.Registers.Since(since).Select(r => StateItems.Of(r.Stream, r.Fact)));
        foreach (IGrouping<StreamPath, TopicFact> stream in state.Topics.Since(since).GroupBy(t => t.Stream, t => t.Fact))
        {
            items.AddRange(StateItems.Of(stream.Key, stream));
        }

        items.AddRange(state.Cursors.Since(since).Select(c => StateItems.Of(c.Partition, c.Consumer, c.Cursor)));
        foreach ((StreamPartition partition, HeldRun run) in state.Ledger.All())
        {
            LaneId id = new(partition, run.Origin);
            if (!state.HeldChanged(id, since))
            {
                continue;
            }

            LaneState? lane = state.Lanes.Find(id);
            (long first, long next) = lane is null ? (0, 0) : (lane.FirstOffset, lane.NextOffset);
            Add(items, partition, run, long.MinValue, first);
            Add(items, partition, run, next, long.MaxValue);
        }

        return items;
    }

    // The part of a run that stands at offsets from (inclusive) to (exclusive).
    private static void Add(List<StateItem> items, StreamPartition partition, HeldRun held, long from, long to)
    {
        long first = Math.Max(held.FirstOffset.Value, from);
        long last = Math.Min(held.LastOffset.Value, to - 1);
        if (first <= last)
        {
            long shift = first - held.FirstOffset.Value;
            SequenceRun run = held.Run with { First = held.Run.First + shift, Last = held.Run.First + shift + (last - first) };
            items.Add(StateItems.Of(partition, new HeldRun(run, held.Origin, new Offset(first))));
        }
    }
}
