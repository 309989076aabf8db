using System.Globalization;
using System.Text;
using Streams.Core;
using Streams.Testing;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>A stream whose durability is "written" is answered before the flush; what others see is flushed all the same.</summary>
public sealed class DurabilityTests
{
    private static readonly StreamPath Quick = StreamPath.Parse("/quick");
    private static readonly StreamPartition QuickPart = new(Quick, default);

    // A real clock drives the flush of what is only written; the longest one keeps it away from the tests that do not wait for it.
    private static readonly ContainerOptions Patient = new()
    {
        SegmentBytes = 1 << 20,
        AllocationBytes = 16 << 10,
        FlushInterval = TimeSpan.FromMinutes(1),
    };

    [Fact]
    public async Task Written_events_are_answered_without_a_flush_and_seen_only_after_one()
    {
        await using Scene scene = await OpenQuickAsync(Patient);
        long flushes = scene.Store.Status().Flushes;
        EventPlace place = await AppendAsync(scene, Quick, "q0");
        Assert.Equal(0, place.Offset.Value);
        Assert.Equal(1, (await AppendAsync(scene, Quick, "q1")).Offset.Value);
        ContainerStatus status = scene.Store.Status();
        Assert.Equal(flushes, status.Flushes);
        Assert.True(status.UnflushedBytes > 0);
        Assert.Equal(0, scene.Store.Lane(QuickLane(scene))!.Value.NextOffset.Value);
        Assert.Empty(await scene.PayloadsAsync(QuickLane(scene)));

        await AppendAsync(scene, Fleet, "f0");
        status = scene.Store.Status();
        Assert.Equal(flushes + 1, status.Flushes);
        Assert.Equal(0, status.UnflushedBytes);
        Assert.Equal(["q0", "q1"], await scene.PayloadsAsync(QuickLane(scene)));
    }

    [Fact]
    public async Task A_hello_counts_only_what_is_flushed_and_a_repeated_batch_is_not_taken_twice()
    {
        await using Scene scene = await OpenQuickAsync(Patient);
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        ProduceResult first = await scene.SendAsync(session, Batch(Car(1), 1, 3), QuickPart);
        Assert.Empty(scene.Store.Held(Car(1), QuickPart, 0));

        ProduceResult again = await scene.SendAsync(scene.Store.BeginProducer(Car(1)), Batch(Car(1), 1, 3), QuickPart);
        Assert.Equal(first.Placed, again.Placed);
        await AppendAsync(scene, Fleet, "f0");
        Assert.Equal(3, Assert.Single(scene.Store.Held(Car(1), QuickPart, 0)).Run.Last);
        Assert.Equal(["1:1", "1:2", "1:3"], await scene.PayloadsAsync(QuickLane(scene)));
    }

    [Fact]
    public async Task Written_events_become_visible_by_themselves_and_watchers_are_told()
    {
        await using Scene scene = await OpenQuickAsync(Patient with { FlushInterval = TimeSpan.FromMilliseconds(1) });
        TaskCompletionSource seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using IDisposable watch = scene.Store.Watch(Quick, () => seen.TrySetResult());
        await AppendAsync(scene, Quick, "q0");
        await seen.Task;
        Assert.Equal(["q0"], await scene.PayloadsAsync(QuickLane(scene)));
        Assert.Equal(0, scene.Store.Status().UnflushedBytes);
    }

    [Fact]
    public async Task Closing_flushes_what_was_written()
    {
        await using Scene scene = await OpenQuickAsync(Patient);
        await AppendAsync(scene, Quick, "q0");
        await scene.Store.DisposeAsync();
        scene.Disk.Crash(new Random(3));
        await scene.OpenStoreAsync();
        Assert.Equal(["q0"], await scene.PayloadsAsync(QuickLane(scene)));
    }

    [Fact]
    public async Task A_killed_process_loses_nothing_that_was_written()
    {
        await using Scene scene = await OpenQuickAsync(Patient);
        for (int i = 0; i < 20; i++)
        {
            await AppendAsync(scene, Quick, Name('q', i));
        }

        await scene.CrashAsync(null);
        Assert.Equal(Names('q', 20), await scene.PayloadsAsync(QuickLane(scene)));
        Assert.Equal(0, scene.Store.Recovery.CutBytes);

        // It was flushed before it was shown.
        await scene.CrashAsync(new Random(9), write: false);
        Assert.Equal(Names('q', 20), await scene.PayloadsAsync(QuickLane(scene)));
    }

    [Fact]
    public async Task A_refused_flush_of_what_was_written_ends_all_acknowledging()
    {
        await using Scene scene = await OpenQuickAsync(Patient with { FlushInterval = TimeSpan.FromMilliseconds(1) });
        scene.Disk.RefuseFlushAfter = 0;
        await AppendAsync(scene, Quick, "q0");
        await Eventually.TrueAsync(() => scene.Store.Status().Failed, "the flush is refused");
        Assert.Contains("flush refused", scene.Store.Status().Reason);
        Assert.Contains(scene.Log.Lines, l => l.Id.Id == 1022);
        await Assert.ThrowsAsync<StorageFailedException>(() => AppendAsync(scene, Quick, "q1"));
        Assert.Equal(0, scene.Store.Lane(QuickLane(scene))!.Value.NextOffset.Value);
    }

    [Fact]
    public async Task A_power_cut_may_take_written_events_but_never_flushed_ones_and_never_reads_as_damage()
    {
        int lost = 0;
        int kept = 0;
        for (int seed = 1; seed <= 60; seed++)
        {
            Random chance = new(seed);
            await using Scene scene = await OpenQuickAsync(Patient with { SegmentBytes = 8 << 10, AllocationBytes = 4 << 10 });
            int written = 0;
            int flushed = 0;
            int flushedOfWritten = 0;
            for (int i = chance.Next(5, 60); i > 0; i--)
            {
                if (chance.Next(6) == 0)
                {
                    await AppendAsync(scene, Fleet, Name('f', flushed++));
                    flushedOfWritten = written;
                }
                else
                {
                    Assert.Equal(written, (await AppendAsync(scene, Quick, Name('q', written))).Offset.Value);
                    written++;
                }
            }

            await scene.CrashAsync(chance);
            List<string> quick = await scene.PayloadsAsync(QuickLane(scene));
            Assert.Equal(Names('q', quick.Count), quick);
            Assert.InRange(quick.Count, flushedOfWritten, written);
            Assert.Equal(Names('f', flushed), scene.Store.Lane(scene.Own) is null ? [] : await scene.PayloadsAsync());
            Assert.Empty(scene.Store.Recovery.Unreadable);
            Assert.False(scene.Store.Recovery.NeedsNewIncarnation, $"seed {seed}");
            lost += written - quick.Count;
            kept += quick.Count - flushedOfWritten;
        }

        Assert.True(lost > 0, "the disk lost nothing: the test shows nothing");
        Assert.True(kept > 0, "the disk kept nothing that was not flushed");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Once_a_written_batch_is_answered_its_memory_may_be_used_for_something_else(int batches)
    {
        await using Scene scene = await OpenQuickAsync(Patient);
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        for (int i = 0; i < batches; i++)
        {
            // A new topic, which the second batch finds staged and not yet known.
            EventBatchBuilder builder = new();
            builder.TryAdd("new/topic"u8, default, default, Encoding.UTF8.GetBytes($"v{i}"), i, isRetained: true);
            byte[] memory = builder.Build(new EventIdentity(Car(1), 7, i + 1), i == 0 ? default : (7UL, (long)i), mayHaveTwins: false)
                .Bytes.ToArray();
            Assert.Equal(ProduceRefusal.None, (await scene.SendAsync(session, EventBatch.Parse(memory), QuickPart)).Refusal);
            Array.Fill(memory, (byte)'z');
        }

        Assert.True(scene.Store.Status().UnflushedBytes > 0);
        await AppendAsync(scene, Fleet, "f0");
        LatestValue? latest = await scene.Store.LatestAsync(Quick, TopicName.Parse("new/topic"), default);
        Assert.Equal($"v{batches - 1}", Encoding.UTF8.GetString(latest!.Payload.Span));
        RetainedMessage? retained = await scene.Store.RetainedAsync(Quick, "new/topic"u8.ToArray(), default);
        Assert.Equal($"v{batches - 1}", Encoding.UTF8.GetString(retained!.Payload.Span));
        Assert.Equal("new/topic", Assert.Single(scene.Store.Topics(Quick, 10)).Topic.Value);
    }

    private static LaneId QuickLane(Scene scene) => new(QuickPart, scene.Origin);

    private static async Task<Scene> OpenQuickAsync(ContainerOptions options)
    {
        Scene scene = await OpenAsync(1, options);
        await scene.Store.SetRegisterAsync(Quick, StreamSettings.RegisterKey,
            new StreamSettings(1) { Durability = Durability.Written }.Write(), default);
        return scene;
    }

    private static Task<EventPlace> AppendAsync(Scene scene, StreamPath stream, string payload) => scene.Store.AppendPlainAsync(
        new StreamPartition(stream, default), new PlainEvent("t"u8.ToArray(), default, default, Encoding.UTF8.GetBytes(payload), 1),
        default).AsTask();

    private static string Name(char kind, int number) => string.Create(CultureInfo.InvariantCulture, $"{kind}{number}");

    private static IEnumerable<string> Names(char kind, int count) => Enumerable.Range(0, count).Select(i => Name(kind, i));
}
