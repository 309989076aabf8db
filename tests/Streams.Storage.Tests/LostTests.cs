using Streams.Core;
using Streams.Testing;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>Entries that nobody has: the lane goes on behind them at the same numbers and offsets, after restarts and with retention too;
/// and the truth takes their place when it comes (invariants 2 and 4).</summary>
public sealed class LostTests : IDisposable
{
    private static readonly LaneId Foreign = new(P0, Of("ny"));
    private readonly string _folder = Directory.CreateTempSubdirectory("streams-storage-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_declared_lost_is_stepped_over_at_once_and_told_to_links_and_taken_when_it_comes(bool withoutIndex)
    {
        await using Scene scene = await FilledAsync();
        List<LaneEntry> whole = await scene.EntriesAsync();
        await scene.Store.DisposeAsync();
        scene.Disk.Flip(SegmentHeader.Name(0), 3000);
        if (withoutIndex)
        {
            scene.Disk.Delete(Path.ChangeExtension(SegmentHeader.Name(0), ".idx"));
        }

        await scene.OpenStoreAsync();
        LaneEntry lost = whole[(int)await FirstDamagedAsync(scene, whole.Count)];
        Assert.Null(scene.Store.Lost(scene.Own, lost.Number));
        Assert.Empty(await scene.Store.DeclareLostAsync(scene.Own, lost.Number + 1, lost.Number + 9, "a test", default));
        LostRun run = Assert.Single(await scene.Store.DeclareLostAsync(scene.Own, lost.Number, lost.Number + 1, "a test", default));
        Assert.Equal(new LostRun(scene.Own, lost.Number, lost.Number + 1, lost.NextOffset), run);
        Assert.Empty(await scene.Store.DeclareLostAsync(scene.Own, lost.Number, lost.Number + 1, "again", default));
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(run, scene.Store.Lost(scene.Own, lost.Number));
            Assert.Equal(1, scene.Store.LostEntries);
            Assert.Equal(new DamagedRange(scene.Own, lost.Number, lost.Number + 1, IsLost: true), Assert.Single(scene.Store.Damaged()));
            Assert.Equal(lost.NextOffset, (await ReadAsync(scene, scene.Own, lost.BaseOffset)).BaseOffset);
            await (i == 0 ? scene.CrashAsync(new Random(3)) : scene.ReopenAsync());
            await FillAsync(scene);                      // the record's own segment ends and gets an index
            await FirstDamagedAsync(scene, whole.Count);
        }

        Assert.Equal(IngestOutcome.Taken, (await scene.Store.IngestAsync(scene.Own, [lost], default)).Outcome);
        await scene.ReopenAsync();
        Assert.Null(scene.Store.Lost(scene.Own, lost.Number));
        Assert.Empty(scene.Store.Damaged());
        Assert.Equal(0, scene.Store.LostEntries);
        Assert.Equal(lost.BaseOffset, (await ReadAsync(scene, scene.Own, lost.BaseOffset)).BaseOffset);
    }

    [Fact]
    public async Task A_lane_goes_on_behind_what_its_sender_left_out_and_takes_it_entry_by_entry_in_any_order()
    {
        await using Scene scene = await FilledAsync();
        LaneEntry[] lane = [Make(0, 0, 1), Make(1, 1, 2), Make(2, 3, 1), Make(3, 4, 3), Make(4, 7, 1), Make(5, 8, 2), Make(6, 10, 1)];
        await scene.Store.IngestAsync(Foreign, [lane[0]], default);
        Assert.Equal(IngestOutcome.Ahead, (await OutAsync(scene, 2, 5, 8)).Outcome);
        Assert.Equal(IngestOutcome.Fork, (await OutAsync(scene, 1, 5, 0)).Outcome);
        Assert.Equal(new IngestResult(IngestOutcome.Taken, new EntryNumber(5)), await OutAsync(scene, 1, 5, 8));
        Assert.Equal(IngestOutcome.Taken, (await OutAsync(scene, 0, 3, 4)).Outcome);
        Assert.Equal(IngestOutcome.Taken, (await scene.Store.IngestAsync(Foreign, lane[5..], default)).Outcome);
        await Assert.ThrowsAsync<InvalidRequestException>(async () => await OutAsync(scene, 7, 7, 20));
        DamagedRange whole = new(Foreign, new EntryNumber(1), new EntryNumber(5));
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(whole, Assert.Single(scene.Store.Damaged()));
            Assert.Equal((7, 11), (scene.Store.Lane(Foreign)!.Value.NextEntry.Value, scene.Store.Lane(Foreign)!.Value.NextOffset.Value));
            await Assert.ThrowsAsync<InvalidFormatException>(async () => await ReadAsync(scene, Foreign, new Offset(2)));
            await (i == 0 ? scene.CrashAsync(new Random(5)) : scene.ReopenAsync());
            await FillAsync(scene);
        }

        await scene.Store.DeclareLostAsync(Foreign, new EntryNumber(2), new EntryNumber(3), "a test", default);
        foreach (int back in new[] { 3, 1, 4, 2 })
        {
            Assert.Equal(IngestOutcome.Taken, (await scene.Store.IngestAsync(Foreign, [lane[back]], default)).Outcome);
            await scene.ReopenAsync();
            HashSet<long> missing = [.. scene.Store.Damaged().SelectMany(d => Range(d.First, d.Next))];
            Assert.DoesNotContain(back, missing);
            for (long offset = 0; offset < 11; offset++)
            {
                LaneEntry holds = lane.Last(e => e.BaseOffset.Value <= offset);
                LaneEntry expected = lane.First(e => e.Number >= holds.Number && !missing.Contains(e.Number.Value));
                using LaneSlice slice = await scene.Store.ReadAsync(Foreign, new Offset(offset), 1, default);
                LaneEntry first = slice.Entries.First(e => e.NextOffset.Value > offset);
                Assert.Equal((offset, expected.Number.Value), (offset, first.Number.Value));
                Assert.True(first.Body.Span.SequenceEqual(expected.Body.Span));
            }
        }

        Assert.Empty(scene.Store.Damaged());
    }

    [Fact]
    public async Task What_does_not_fill_a_run_of_lost_entries_exactly_is_not_taken()
    {
        await using Scene scene = await FilledAsync();
        await scene.Store.IngestAsync(Foreign, [Make(0, 0, 1)], default);
        await OutAsync(scene, 1, 3, 4);
        await scene.Store.IngestAsync(Foreign, [Make(2, 3, 2)], default);      // would end behind the run
        await scene.Store.IngestAsync(Foreign, [Make(2, 1, 2)], default);      // would end before it
        await scene.Store.IngestAsync(Foreign, [Make(1, 0, 1)], default);      // would begin before it
        Assert.Equal(2, scene.Store.Damaged().Sum(d => d.Next - d.First));
        await scene.Store.IngestAsync(Foreign, [Make(1, 1, 2), Make(2, 3, 1)], default);
        Assert.Empty(scene.Store.Damaged());
    }

    [Fact]
    public async Task Retention_takes_lost_entries_with_it_and_gives_back_the_segments_that_said_so()
    {
        await using Scene scene = await FilledAsync();
        await scene.Store.IngestAsync(Foreign, [Make(0, 0, 1)], default);
        await OutAsync(scene, 1, 5, 8);
        await scene.Store.DeclareLostAsync(Foreign, new EntryNumber(1), new EntryNumber(5), "a test", default);
        for (int i = 0; i < 3; i++)
        {
            await FillAsync(scene);
        }

        LaneStatus own = scene.Store.Lane(scene.Own)!.Value;
        long before = scene.Store.Status().Segments;
        await scene.Store.TrimAsync(scene.Own, own.NextEntry, default);
        await scene.Store.TrimAsync(Foreign, new EntryNumber(1), default);
        await scene.Store.ReclaimAsync((_, _) => ValueTask.CompletedTask, default);
        Assert.True(scene.Store.Status().Segments < before);
        await scene.ReopenAsync();
        Assert.Equal(new LostRun(Foreign, new EntryNumber(2), new EntryNumber(5), new Offset(8)),
            scene.Store.Lost(Foreign, new EntryNumber(2)));
        Assert.Equal(5, scene.Store.Lane(Foreign)!.Value.NextEntry.Value);
        await scene.Store.TrimAsync(Foreign, new EntryNumber(5), default);
        Assert.Empty(scene.Store.Damaged());
        Assert.Equal(0, scene.Store.LostEntries);
    }

    private static ValueTask<IngestResult> OutAsync(Scene scene, long first, long next, long nextOffset) =>
        scene.Store.TakeOutAsync(Foreign, new EntryNumber(first), new EntryNumber(next), new Offset(nextOffset), default);

    private static IEnumerable<long> Range(EntryNumber first, EntryNumber next)
    {
        for (long entry = first.Value; entry < next.Value; entry++)
        {
            yield return entry;
        }
    }

    private static LaneEntry Make(long number, long offset, int events)
    {
        EventBatch batch = Batch(Car(2), offset + 1, events);
        return new LaneEntry
        {
            Number = new EntryNumber(number), Kind = EntryKind.Events, BaseOffset = new Offset(offset), EventCount = events,
            AppendedAt = 1000 + number, Path = ReplicationPath.StartingAt(Of("ny")), Body = batch.Bytes,
        };
    }

    private static async Task<LaneEntry> ReadAsync(Scene scene, LaneId lane, Offset from)
    {
        using LaneSlice slice = await scene.Store.ReadAsync(lane, from, 1, default);
        return Copy(slice.Entries[0]);
    }

    private static async Task<long> FirstDamagedAsync(Scene scene, int count)
    {
        for (long entry = 0; entry < count; entry++)
        {
            try
            {
                using LaneSlice slice = await scene.Store.ReadAsync(scene.Own, new EntryNumber(entry), 1, default);
            }
            catch (InvalidFormatException)
            {
                return entry;
            }
        }

        throw new InvalidOperationException("nothing is damaged");
    }

    private static async Task FillAsync(Scene scene)
    {
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        long held = scene.Store.Held(Car(1), P0, 0).Select(h => h.Run.Last).DefaultIfEmpty(0).Max();
        for (int i = 0; i < 60; i++)
        {
            long first = held + 1 + i;
            await scene.SendAsync(session, Batch(Car(1), first, 1, after: first - 1));
        }
    }

    private async Task<Scene> FilledAsync()
    {
        Scene scene = new()
        {
            Clock = new VirtualTime(),
            Options = new ContainerOptions { Directory = _folder, SegmentBytes = 4 << 10, AllocationBytes = 4 << 10 },
        };
        await scene.OpenStoreAsync();
        await FillAsync(scene);
        return scene;
    }
}
