using Streams.Core;
using Streams.Testing;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>A disk that is full to the last byte, and nobody comes to help: retention makes the room.</summary>
public sealed class FullDiskRetentionTests
{
    private const long Room = 600 << 10;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task On_a_full_disk_retention_gives_space_back_and_writing_goes_on_by_itself(int seed)
    {
        await using Scene scene = FaultyScene.Make(seed);
        scene.Options = FaultyScene.Small with { SegmentBytes = 64 << 10 };
        scene.Disk.Capacity = Room;
        await scene.OpenStoreAsync();
        long sent = 0;
        for (int times = 1; times <= 5; times++)
        {
            string when = $"seed {seed}, the {times}. time";
            long before = sent;
            sent = await FillAsync(scene, sent, new Random(seed + times));
            Assert.True(sent > before, when + ": nothing was taken");
            Assert.Equal(WritePhase.Full, scene.Store.Status().Phase);
            Dictionary<long, string> kept = await scene.EventsAsync();
            Assert.Equal(sent, kept.Keys.Max() + 1);

            // No clock moves: it does not write again meanwhile.
            EntryNumber next = scene.Store.Lane(scene.Own)!.Value.NextEntry;
            EntryNumber first = new(next.Value * 3 / 4);
            Assert.Equal(first, await scene.Store.TrimAsync(scene.Own, first, default));
            ReclaimReport report = await scene.Store.ReclaimAsync((_, _) => ValueTask.CompletedTask, default);
            Assert.True(report.Segments > 0, when + ": " + report);
            Assert.Equal(WritePhase.Full, scene.Store.Status().Phase);
            await scene.WritingAsync();
        }

        await scene.CrashAsync(new Random(seed));
        Assert.Empty(scene.Store.Recovery.Unreadable);
        Assert.Equal(sent, scene.Store.Lane(scene.Own)!.Value.NextOffset.Value);
    }

    [Fact]
    public async Task A_full_disk_with_one_segment_alone_ends_it_in_the_room_set_aside_and_makes_holes_in_it()
    {
        await using Scene scene = FaultyScene.Make(1);
        scene.Options = FaultyScene.Small with { SegmentBytes = 1 << 20 };
        scene.Disk.Capacity = Room;
        await scene.OpenStoreAsync();
        long sent = await FillAsync(scene, 0, new Random(1));
        Assert.Single(scene.Disk.List());
        await scene.Store.TrimAsync(scene.Own, new EntryNumber(scene.Store.Lane(scene.Own)!.Value.NextEntry.Value * 3 / 4), default);
        await scene.Store.EndSegmentAsync(default);
        Assert.Equal(WritePhase.Full, scene.Store.Status().Phase);
        Assert.True((await scene.Store.ReclaimAsync((_, _) => ValueTask.CompletedTask, default)).Ranges > 0);
        await scene.WritingAsync();
        long more = await FillAsync(scene, sent, new Random(2));
        Assert.True(more > sent, "nothing was taken");
        await scene.CrashAsync(new Random(1));
        Assert.Empty(scene.Store.Recovery.Unreadable);
        Assert.Equal(more, (await scene.EventsAsync()).Keys.Max() + 1);
    }

    // Batches of different lengths until one is refused; gives how many events were taken, which have the offsets up to there.
    private static async Task<long> FillAsync(Scene scene, long sent, Random chance)
    {
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        for (long after = 0; ; after = sent)
        {
            int count = chance.Next(1, 120);
            ProduceResult result = await scene.SendAsync(session, Batch(Car(1), sent + 1, count, after));
            if (result.Refusal == ProduceRefusal.NotWriting)
            {
                return sent;
            }

            Assert.Equal(sent, result.Placed[0].FirstOffset.Value);
            sent += count;
        }
    }
}
