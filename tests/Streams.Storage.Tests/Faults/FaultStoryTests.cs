using System.Text;
using Streams.Core;
using Streams.Testing;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>What callers, readers and operators see of a full disk and of one that refuses.</summary>
public sealed class FaultStoryTests
{
    [Fact]
    public async Task On_a_full_disk_writes_are_refused_for_certain_reads_go_on_and_with_room_it_writes_again_by_itself()
    {
        await using Scene scene = await OpenWithOneBatchAsync();
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        scene.Disk.Fault = new DiskFault(DiskFaultKind.NoRoom, 0, int.MaxValue, Variant: 2);
        ProduceResult refused = await scene.SendAsync(session, Batch(Car(1), 3, 2));
        Assert.Equal(ProduceRefusal.NotWriting, refused.Refusal);
        Assert.Contains("full", refused.Detail);
        TryAgainException again = await Assert.ThrowsAsync<TryAgainException>(() => AppendAsync(scene, "x"));
        Assert.Contains("65536 bytes are needed", again.Message);
        ContainerStatus status = scene.Store.Status();
        Assert.Equal(WritePhase.Full, status.Phase);
        Assert.False(status.Failed);
        Assert.Contains("full", status.Reason);
        Assert.Equal(["1:1", "1:2"], await scene.PayloadsAsync());

        // It looks for room once a second, and says nothing more.
        int steps = scene.Disk.Steps;
        await AppendRefusedAsync(scene);
        Assert.Equal(steps, scene.Disk.Steps);
        scene.Clock().Advance(WriterHealth.RoomPause);
        await Eventually.TrueAsync(() => scene.Disk.Steps > steps, "it looks for room");
        await AppendRefusedAsync(scene);
        Assert.Single(scene.Log.Lines, l => l.Id.Id == 1020);

        scene.Disk.Fault = null;
        await scene.WritingAsync();
        Assert.Equal(string.Empty, scene.Store.Status().Reason);
        Assert.Single(scene.Log.Lines, l => l.Id.Id == 1021);
        Assert.NotEqual(ProduceRefusal.None, (await scene.SendAsync(session, Batch(Car(1), 5, 1, after: 4))).Refusal);
        ProduceResult taken = await scene.SendAsync(scene.Store.BeginProducer(Car(1)), Batch(Car(1), 3, 2));
        Assert.Equal(2, taken.Placed[0].FirstOffset.Value);
        Assert.Equal(["1:1", "1:2", "1:3", "1:4"], await scene.PayloadsAsync());
        await scene.CrashAsync(new Random(4));
        Assert.Equal(["1:1", "1:2", "1:3", "1:4"], await scene.PayloadsAsync());
    }

    [Fact]
    public async Task On_a_full_disk_retention_goes_on_in_the_space_that_is_set_aside()
    {
        await using Scene scene = await OpenWithOneBatchAsync();
        scene.Disk.Fault = new DiskFault(DiskFaultKind.NoRoom, scene.Disk.Steps + 1);
        await AppendRefusedAsync(scene);
        EntryNumber next = scene.Store.Lane(scene.Own)!.Value.NextEntry;
        Assert.Equal(next, await scene.Store.TrimAsync(scene.Own, next, default));
        Assert.Equal(WritePhase.Full, scene.Store.Status().Phase);
        Assert.Empty(await scene.EntriesAsync());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_group_whose_flush_was_refused_is_never_seen_even_if_the_disk_kept_it(int variant)
    {
        await using Scene scene = await OpenWithOneBatchAsync();
        string broken = scene.Disk.List().Single();
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        scene.Disk.Fault = new DiskFault(DiskFaultKind.Refused, scene.Disk.Steps + 2, 1, variant);
        StorageFailedException unknown = await Assert.ThrowsAsync<StorageFailedException>(() =>
            scene.SendAsync(session, Batch(Car(1), 3, 2, topic: "never")));
        Assert.Contains("flush", unknown.Message);
        await scene.WritingAsync();
        Assert.Equal(2, scene.Store.Held(Car(1), P0, 1)[0].Run.Last);
        Assert.DoesNotContain(scene.Store.Topics(Fleet, 10), t => t.Topic.ToString() == "never");
        Assert.Equal(ProduceRefusal.OlderSession, (await scene.SendAsync(session, Batch(Car(1), 5, 1, after: 4))).Refusal);

        // The first failure is looked into at once, and what follows is in another segment.
        Assert.NotEqual(broken, scene.Disk.List().Max());
        ProduceResult taken = await scene.SendAsync(scene.Store.BeginProducer(Car(1)), Batch(Car(1), 3, 1));
        Assert.Equal(2, taken.Placed[0].FirstOffset.Value);
        await scene.CrashAsync(new Random(variant));
        Assert.Equal(["1:1", "1:2", "1:3"], await scene.PayloadsAsync());
        Assert.Empty(scene.Store.Recovery.Unreadable);
        Assert.Single(scene.Log.Lines, l => l.Id.Id == 1004);
    }

    [Fact]
    public async Task A_disk_that_goes_on_refusing_is_tried_with_growing_pauses_while_readers_are_served()
    {
        await using Scene scene = await OpenWithOneBatchAsync();
        scene.Disk.Fault = new DiskFault(DiskFaultKind.Refused, 0, int.MaxValue);
        await Assert.ThrowsAsync<StorageFailedException>(() => AppendAsync(scene, "x"));
        int refused = 2;                              // the write, and the verification at once
        await RefusedAsync(scene, refused);
        foreach (int seconds in (int[])[1, 2, 4, 8, 16, 32, 60, 60])
        {
            scene.Clock().Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromTicks(1));
            await Assert.ThrowsAsync<StorageFailedException>(() => AppendAsync(scene, "y"));
            Assert.Equal(refused, scene.Disk.FaultsMet);
            Assert.Equal(WritePhase.Failed, scene.Store.Status().Phase);
            Assert.Equal(["1:1", "1:2"], await scene.PayloadsAsync());
            scene.Clock().Advance(TimeSpan.FromTicks(1));
            await RefusedAsync(scene, ++refused);
        }

        Assert.False(scene.Store.Failed.IsCompleted);
        scene.Disk.Fault = null;
        await scene.WritingAsync();
        Assert.Equal(2, (await AppendAsync(scene, "z")).Offset.Value);
        Assert.Equal(["1:1", "1:2", "z"], await scene.PayloadsAsync());
    }

    [Fact]
    public async Task What_had_been_flushed_and_is_damaged_is_not_written_over()
    {
        await using Scene scene = await OpenWithOneBatchAsync();
        string name = scene.Disk.List().Single();
        long last = scene.Store.Status().Bytes - 20;
        scene.Disk.Flip(name, last);
        scene.Disk.Fault = new DiskFault(DiskFaultKind.Refused, scene.Disk.Steps + 2);
        await Assert.ThrowsAsync<StorageFailedException>(() => AppendAsync(scene, "x"));
        await Eventually.TrueAsync(() => scene.Store.Status().Reason.Contains("is damaged"), "the damage is found");
        Assert.Equal(WritePhase.Failed, scene.Store.Status().Phase);
        await Assert.ThrowsAsync<StorageFailedException>(() => AppendAsync(scene, "y"));

        scene.Disk.Flip(name, last);                  // it was the cable
        await scene.WritingAsync();
        Assert.Equal(2, (await AppendAsync(scene, "z")).Offset.Value);
    }

    [Fact]
    public async Task A_start_of_writing_that_was_refused_has_not_begun()
    {
        await using Scene scene = FaultyScene.Make(1);
        await scene.OpenStoreAsync(write: false);
        scene.Disk.Fault = new DiskFault(DiskFaultKind.Refused, scene.Disk.Steps + 2);
        await Assert.ThrowsAsync<StorageFailedException>(async () => await scene.Store.StartWritingAsync(scene.Origin, default));
        await scene.WritingAsync();
        Assert.Equal(default, scene.Store.Origin);
        TryAgainException refused = await Assert.ThrowsAsync<TryAgainException>(() => AppendAsync(scene, "x"));
        Assert.Contains("not writing yet", refused.Message);
        await scene.Store.StartWritingAsync(scene.Origin, default);
        Assert.Equal(0, (await AppendAsync(scene, "x")).Offset.Value);
    }

    private static async Task<Scene> OpenWithOneBatchAsync()
    {
        Scene scene = FaultyScene.Make(1);
        scene.Options = scene.Options with { SegmentBytes = 1 << 20, AllocationBytes = 4 << 10, RunsAheadOnGivenDisk = false };
        await scene.OpenStoreAsync();
        await scene.SendAsync(scene.Store.BeginProducer(Car(1)), Batch(Car(1), 1, 2));
        return scene;
    }

    private static Task RefusedAsync(Scene scene, int times) => Eventually.TrueAsync(
        () => scene.Disk.FaultsMet == times && scene.Store.Status().Phase == WritePhase.Failed, $"the disk has refused {times} times",
        seen: () => $"{scene.Disk.FaultsMet} times, {scene.Store.Status().Phase}");

    private static Task AppendRefusedAsync(Scene scene) => Assert.ThrowsAsync<TryAgainException>(() => AppendAsync(scene, "x"));

    private static Task<EventPlace> AppendAsync(Scene scene, string payload) => scene.Store.AppendPlainAsync(P0,
        new PlainEvent("t"u8.ToArray(), default, default, Encoding.UTF8.GetBytes(payload), 1), default).AsTask();
}
