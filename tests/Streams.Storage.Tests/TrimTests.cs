using Streams.Core;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>Retention of one lane: what goes, what stays, what a restart shows.</summary>
public sealed class TrimTests
{
    [Fact]
    public async Task A_trimmed_lane_begins_where_it_was_told_and_keeps_its_offsets_and_runs_over_a_restart()
    {
        await using Scene scene = await OpenAsync();
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        for (int i = 0; i < 5; i++)
        {
            await scene.SendAsync(session, Batch(Car(1), 1 + (3 * i), 3, after: 3 * i));
        }

        LaneStatus before = scene.Store.Lane(scene.Own)!.Value;
        EntryNumber first = before.NextEntry + -2;
        Assert.Equal(first, await scene.Store.TrimAsync(scene.Own, first, default));
        await ShowsAsync(scene, first, new Offset(9));

        await scene.ReopenAsync();
        await ShowsAsync(scene, first, new Offset(9));

        // Rule R8: what was removed is held all the same.
        Assert.Contains(scene.Store.Held(Car(1), P0, 1), run => run.Run.First == 1);
        Assert.Equal(15, scene.Store.Lane(scene.Own)!.Value.NextOffset.Value);
    }

    [Fact]
    public async Task Retention_never_goes_beyond_what_is_flushed_and_never_back()
    {
        await using Scene scene = await OpenAsync();
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        await scene.SendAsync(session, Batch(Car(1), 1, 4));
        EntryNumber next = scene.Store.Lane(scene.Own)!.Value.NextEntry;

        Assert.Equal(next, await scene.Store.TrimAsync(scene.Own, next + 100, default));
        Assert.Equal(next, await scene.Store.TrimAsync(scene.Own, EntryNumber.Zero, default));
        Assert.Equal(EntryNumber.Zero, await scene.Store.TrimAsync(new LaneId(P0, Of("nowhere")), next, default));

        await scene.SendAsync(session, Batch(Car(1), 5, 1, after: 4));
        LaneStatus after = scene.Store.Lane(scene.Own)!.Value;
        Assert.Equal((next, next + 1), (after.FirstEntry, after.NextEntry));
        Assert.Equal(4, Assert.Single(await scene.EntriesAsync()).BaseOffset.Value);
    }

    private static async Task ShowsAsync(Scene scene, EntryNumber first, Offset offset)
    {
        LaneStatus status = scene.Store.Lane(scene.Own)!.Value;
        Assert.Equal((first, offset), (status.FirstEntry, status.FirstOffset));
        List<LaneEntry> entries = await scene.EntriesAsync();
        Assert.Equal(2, entries.Count);
        Assert.Equal(offset, entries[0].BaseOffset);
    }
}
