using Streams.Core;

namespace Streams.Simulation;

/// <summary>What must hold when a world has come to rest.</summary>
internal sealed class ScaleJudge(ScaleWorld world)
{
    public void Judge()
    {
        foreach (ScaleCluster cluster in world.Clusters)
        {
            JudgeHeads(cluster);
            if (cluster.Keeps)
            {
                JudgeContents(cluster);
            }
        }

        if (world.Wire.OfferedOnPath > 0)
        {
            world.Violation($"{world.Wire.OfferedOnPath} entries were sent to a cluster on their path that had not asked (invariant 5)");
        }

        JudgeEvents();
    }

    /// <summary>Every cluster has the same lanes, and of each as much as was written.</summary>
    private void JudgeHeads(ScaleCluster cluster)
    {
        IReadOnlyList<LaneStatus> lanes = cluster.Lanes();
        if (lanes.Count != world.Ledger.Lanes.Count)
        {
            world.Violation($"{cluster.Name} has {lanes.Count} lanes, {world.Ledger.Lanes.Count} were written");
        }

        foreach (LaneStatus lane in lanes)
        {
            int number = world.Ledger.Number(lane.Lane);
            int written = number < 0 ? 0 : world.Ledger.Lanes[number].Entries.Count;
            if (lane.NextEntry.Value != written || lane.FirstEntry != EntryNumber.Zero)
            {
                world.Violation($"{cluster.Name} has entries {lane.FirstEntry} to {lane.NextEntry} of {lane.Lane}, {written} were written");
            }
        }
    }

    /// <summary>What can be read at a cluster is what the origins wrote.</summary>
    private void JudgeContents(ScaleCluster cluster)
    {
        foreach (LaneStatus lane in cluster.Lanes())
        {
            for (EntryNumber at = lane.FirstEntry; at < lane.NextEntry;)
            {
                ValueTask<LaneSlice> read = cluster.Store.ReadAsync(lane.Lane, at, 1 << 20, default);
                using LaneSlice slice = read.GetAwaiter().GetResult();
                foreach (LaneEntry entry in slice.Entries)
                {
                    at = entry.Number + 1;
                    _ = world.Ledger.Same(lane.Lane, entry, out string? fault);
                    if (fault is not null || entry.Path.Hops[^1] != cluster.Origin)
                    {
                        world.Violation($"{cluster.Name}: {fault ?? $"{lane.Lane} entry {entry.Number} has path {entry.Path}"}");
                    }
                }
            }
        }
    }

    /// <summary>Each event stands at one place, or at several if its device went away before it had the answer; and it stands where the
    /// device was told.</summary>
    private void JudgeEvents()
    {
        Dictionary<(ProducerId, long), List<EventPlace>> places = [];
        foreach (WrittenLane lane in world.Ledger.Lanes)
        {
            long offset = 0;
            foreach (LaneEntry? entry in lane.Entries)
            {
                if (entry is null)
                {
                    world.Violation($"{lane.Id}: an entry was written and never read");
                    continue;
                }

                if (entry.Kind == EntryKind.Events)
                {
                    SequenceRun run = EventBatch.Parse(entry.Body).Header.Run;
                    if (entry.BaseOffset.Value != offset)
                    {
                        world.Violation($"{lane.Id}: entry {entry.Number} begins at offset {entry.BaseOffset}, not {offset}");
                    }

                    for (long sequence = run.First; sequence <= run.Last; sequence++)
                    {
                        List<EventPlace> of = places.TryGetValue((run.Producer, sequence), out List<EventPlace>? known) ? known
                            : places[(run.Producer, sequence)] = [];
                        of.Add(new EventPlace(lane.Id.Origin, entry.BaseOffset + (sequence - run.First)));
                    }

                    offset = entry.NextOffset.Value;
                }
            }
        }

        world.Twins = places.Values.Count(static of => of.Count > 1);
        foreach (Device device in world.Devices)
        {
            JudgeDevice(device, places);
        }
    }

    private void JudgeDevice(Device device, Dictionary<(ProducerId, long), List<EventPlace>> places)
    {
        for (long sequence = 1; sequence <= device.Written; sequence++)
        {
            if (!places.TryGetValue((device.Id, sequence), out List<EventPlace>? of))
            {
                world.Violation($"event {sequence} of device {device.Id} stands nowhere");
            }
            else if (of.Count > 1 && !device.MayStandTwice(sequence))
            {
                world.Violation($"event {sequence} of device {device.Id} stands at {string.Join(" and ", of)}, though it was answered");
            }
            else if (!device.Confirmed.TryGetValue(sequence, out EventPlace told) || !of.Contains(told))
            {
                world.Violation($"event {sequence} of device {device.Id} stands at {of[0]}, the device was told {told}");
            }
        }
    }
}
