using System.Text;
using Streams.Core;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>A crash is an input: the machine stops at every step of a history, and what was acknowledged must be there.</summary>
public sealed class CrashTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Whatever_step_the_machine_stops_at_what_was_acknowledged_is_there_in_order(int seed)
    {
        int steps;
        await using (Scene whole = await OpenAsync(seed, Small()))
        {
            History history = new(whole, new Random(seed));
            await history.RunAsync();
            Assert.True(history.Placed.Count > 60);
            steps = whole.Disk.Steps;
        }

        for (int stop = 1; stop <= steps; stop++)
        {
            await using Scene scene = new(seed) { Options = Small() };
            scene.Disk.StopAt = stop;
            History history = new(scene, new Random(seed));
            bool opened = await TryAsync(() => scene.OpenStoreAsync());
            if (opened)
            {
                await history.RunAsync();
            }

            Random crash = new(seed * 100_000 + stop);
            if (scene.Store is not null)
            {
                await scene.CrashAsync(crash.Next(3) == 0 ? null : crash);
            }
            else
            {
                scene.Disk.Crash(crash);
                await scene.OpenStoreAsync();
            }

            await history.CheckAsync($"seed {seed}, stopped at step {stop}");
            await scene.SendAsync(scene.Store!.BeginProducer(Car(99)), Batch(Car(99), 1, 2));
            await history.CheckAsync($"seed {seed}, stopped at step {stop}, gone on");
        }
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(14)]
    public async Task Many_crashes_one_after_the_other_lose_nothing_that_was_acknowledged(int seed)
    {
        Random chance = new(seed);
        await using Scene scene = await OpenAsync(seed, Small());
        History history = new(scene, chance);
        for (int round = 0; round < 40; round++)
        {
            scene.Disk.StopAt = scene.Disk.Steps + chance.Next(1, 60);
            await history.RunAsync();
            await scene.CrashAsync(chance.Next(4) == 0 ? null : chance);
            await history.CheckAsync($"seed {seed}, round {round}");
        }
    }

    [Fact]
    public async Task What_a_killed_process_had_written_but_not_flushed_is_flushed_before_it_is_shown()
    {
        await using Scene scene = await OpenAsync();
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        scene.Disk.StopAt = scene.Disk.Steps + 2;     // the write passes, its flush does not
        await Assert.ThrowsAsync<StorageFailedException>(() => scene.SendAsync(session, Batch(Car(1), 1, 2)));
        await scene.CrashAsync(null);
        Assert.Equal(["1:1", "1:2"], await scene.PayloadsAsync());
        await scene.CrashAsync(new Random(5), write: false);
        Assert.Equal(["1:1", "1:2"], await scene.PayloadsAsync());
    }

    [Fact]
    public async Task A_torn_tail_is_cut_and_reported()
    {
        await using Scene scene = await OpenAsync();
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        await scene.SendAsync(session, Batch(Car(1), 1, 2));
        await scene.SendAsync(session, Batch(Car(1), 3, 2, after: 2));
        long end = scene.Store.Status().Bytes;
        await scene.Store.DisposeAsync();
        scene.Disk.Flip(scene.Disk.List().Single(), end - 20);
        await scene.OpenStoreAsync();
        Assert.True(scene.Store.Recovery.CutBytes > 0);
        Assert.Contains("torn", scene.Store.Recovery.CutDetail);
        Assert.False(scene.Store.Recovery.NeedsNewIncarnation);
        Assert.Equal(["1:1", "1:2"], await scene.PayloadsAsync());
        Assert.Contains(scene.Log.Lines, l => l.Id.Id == 1001);
    }

    [Fact]
    public async Task Damage_in_the_last_segment_before_later_flushed_groups_is_not_taken_for_a_torn_tail()
    {
        await using Scene scene = await OpenAsync();
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        List<long> ends = [];
        for (int i = 0; i < 6; i++)
        {
            await scene.SendAsync(session, Batch(Car(1), i + 1, 1, after: i));
            ends.Add(scene.Store.Status().Bytes);
        }

        await scene.Store.DisposeAsync();
        scene.Disk.Flip(scene.Disk.List().Single(), ends[2] - 20);
        await scene.OpenStoreAsync();
        Assert.Equal(0, scene.Store.Recovery.CutBytes);
        Assert.True(scene.Store.Recovery.NeedsNewIncarnation);
        LaneStatus lane = scene.Store.Lane(scene.Own)!.Value;
        Assert.Equal(6, lane.NextOffset.Value);
        await AssertHoleAsync(scene, new Offset(2));
    }

    [Fact]
    public async Task Damage_in_a_sealed_segment_leaves_what_is_behind_it_readable_and_names_the_hole()
    {
        await using Scene scene = await OpenAsync(1, Small() with { SegmentBytes = 4 << 10 });
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        List<long> ends = [];
        for (int i = 0; i < 60; i++)
        {
            await scene.SendAsync(session, Batch(Car(1), i + 1, 1, after: i));
            ends.Add(scene.Store.Status().Bytes);
        }

        Assert.True(scene.Store.Status().Segments > 2);
        await scene.Store.DisposeAsync();
        scene.Disk.Flip(SegmentHeader.Name(0), ends[5] - 20);
        await scene.OpenStoreAsync();
        UnreadableRange range = Assert.Single(scene.Store.Recovery.Unreadable);
        Assert.Equal(SegmentHeader.Name(0), range.Segment);
        Assert.Equal(60, scene.Store.Lane(scene.Own)!.Value.NextOffset.Value);
        await AssertHoleAsync(scene, new Offset(5));
        Assert.Contains(scene.Log.Lines, l => l.Id.Id == 1002);
        await scene.SendAsync(scene.Store.BeginProducer(Car(1)), Batch(Car(1), 61, 1));
        Assert.Equal(61, scene.Store.Lane(scene.Own)!.Value.NextOffset.Value);
    }

    private static async Task AssertHoleAsync(Scene scene, Offset hole)
    {
        InvalidFormatException refused = await Assert.ThrowsAsync<InvalidFormatException>(async () =>
            await scene.Store.ReadAsync(scene.Own, hole, 1000, default));
        Assert.Contains(scene.Own.ToString(), refused.Message);
        using LaneSlice before = await scene.Store.ReadAsync(scene.Own, Offset.Zero, 1 << 20, default);
        Assert.Equal(hole.Value, before.Entries[^1].NextOffset.Value);
        using LaneSlice behind = await scene.Store.ReadAsync(scene.Own, hole + 1, 1 << 20, default);
        Assert.Equal(hole.Value + 1, behind.Entries[0].BaseOffset.Value);
        EventBatch batch = EventBatch.Parse(behind.Entries[0].Body);
        foreach (EventView view in batch.Events)
        {
            Assert.Equal($"1:{hole.Value + 2}", Encoding.UTF8.GetString(view.Payload.Span));
        }
    }

    private static ContainerOptions Small() => new()
    {
        SegmentBytes = 8 << 10,
        AllocationBytes = 4 << 10,
        GroupOperations = 5,
        RunsAheadOnGivenDisk = true,
    };

    private static async Task<bool> TryAsync(Func<Task> action)
    {
        try
        {
            await action();
            return true;
        }
        catch (StorageFailedException)
        {
            return false;
        }
    }
}
