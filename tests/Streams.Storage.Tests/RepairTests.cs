using Streams.Core;
using Streams.Testing;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>Entries that are damaged in the log are named, cost nobody else anything, and are taken again from whoever has them: at their
/// old numbers, if they fit.</summary>
public sealed class RepairTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("streams-storage-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_was_found_damaged_while_reading_is_got_back_and_stays_so(bool withoutIndex)
    {
        await using Scene scene = await FilledAsync();
        List<LaneEntry> whole = await scene.EntriesAsync();
        List<string> payloads = await scene.PayloadsAsync();
        Assert.Empty(scene.Store.Damaged());
        await scene.Store.DisposeAsync();
        scene.Disk.Flip(SegmentHeader.Name(0), 1500);
        scene.Disk.Flip(SegmentHeader.Name(0), 3000);
        if (withoutIndex)
        {
            scene.Disk.Delete(Path.ChangeExtension(SegmentHeader.Name(0), ".idx"));
        }

        await scene.OpenStoreAsync();
        List<long> damaged = await DamagedByReadingAsync(scene, whole.Count);
        Assert.Equal(2, damaged.Count);
        Assert.Equal(damaged, scene.Store.Damaged().SelectMany(d => Enumerable.Range((int)d.First.Value, (int)(d.Next - d.First)))
            .Select(n => (long)n));
        Assert.All(scene.Store.Damaged(), d => Assert.Equal(scene.Own, d.Lane));

        IngestResult result = await scene.Store.IngestAsync(scene.Own, [.. damaged.Select(n => whole[(int)n])], default);
        Assert.Equal(IngestOutcome.Taken, result.Outcome);
        Assert.Empty(scene.Store.Damaged());
        Assert.Equal(payloads, await scene.PayloadsAsync());
        for (int i = 0; i < 3; i++)
        {
            await (i == 0 ? scene.CrashAsync(new Random(3)) : scene.ReopenAsync());
            Assert.Equal(payloads, await scene.PayloadsAsync());
            Assert.Equal(whole.Select(e => e.Number), (await scene.EntriesAsync()).Select(e => e.Number));
            Assert.Equal(payloads.Count(p => p.EndsWith('1')), await CountAsync(scene, "t1"));
            await FillAsync(scene);                     // the repair's own segment ends and gets an index
            payloads = await scene.PayloadsAsync();
            whole = await scene.EntriesAsync();
        }
    }

    [Fact]
    public async Task Entries_that_are_not_what_was_there_are_not_taken()
    {
        await using Scene scene = await FilledAsync();
        List<LaneEntry> whole = await scene.EntriesAsync();
        await scene.Store.DisposeAsync();
        scene.Disk.Flip(SegmentHeader.Name(0), 3000);
        await scene.OpenStoreAsync();
        long entry = Assert.Single(await DamagedByReadingAsync(scene, whole.Count));
        LaneEntry other = new()
        {
            Number = new EntryNumber(entry), Kind = EntryKind.Events, BaseOffset = whole[(int)entry].BaseOffset,
            EventCount = whole[(int)entry].EventCount, AppendedAt = 1, Path = ReplicationPath.StartingAt(Of("ny")),
            Body = Batch(Car(9), 1, whole[(int)entry].EventCount).Bytes,
        };
        Assert.Equal(IngestOutcome.Fork, (await scene.Store.IngestAsync(scene.Own, [other], default)).Outcome);
        Assert.Single(scene.Store.Damaged());

        // Without its index nothing but the numbers around it tells what was there.
        await scene.Store.DisposeAsync();
        scene.Disk.Delete(Path.ChangeExtension(SegmentHeader.Name(0), ".idx"));
        await scene.OpenStoreAsync();
        EventBatch tooLong = Batch(Car(9), 1, other.EventCount + 1);
        LaneEntry longer = Copy(other, tooLong.Bytes);
        longer = new LaneEntry
        {
            Number = longer.Number, Kind = longer.Kind, BaseOffset = longer.BaseOffset, EventCount = tooLong.Header.Count,
            AppendedAt = 1, Path = longer.Path, Body = tooLong.Bytes,
        };
        await scene.Store.IngestAsync(scene.Own, [longer], default);
        Assert.Single(scene.Store.Damaged());
        await scene.Store.IngestAsync(scene.Own, [whole[(int)entry]], default);
        Assert.Empty(scene.Store.Damaged());
    }

    [Fact]
    public async Task Retention_takes_damage_with_it()
    {
        await using Scene scene = await FilledAsync();
        int count = (await scene.EntriesAsync()).Count;
        await scene.Store.DisposeAsync();
        scene.Disk.Flip(SegmentHeader.Name(0), 3000);
        await scene.OpenStoreAsync();
        long entry = Assert.Single(await DamagedByReadingAsync(scene, count));
        await scene.Store.TrimAsync(scene.Own, new EntryNumber(entry + 1), default);
        Assert.Empty(scene.Store.Damaged());
        Assert.Equal(count - entry - 1, (await scene.EntriesAsync()).Count);
    }

    [Fact]
    public async Task Readers_step_over_damage_that_nobody_mends_after_the_patience_and_get_it_when_it_is_mended()
    {
        await using Scene scene = await FilledAsync();
        List<LaneEntry> whole = await scene.EntriesAsync();
        await scene.Store.DisposeAsync();
        scene.Disk.Flip(SegmentHeader.Name(0), 3000);
        await scene.OpenStoreAsync();
        long entry = Assert.Single(await DamagedByReadingAsync(scene, whole.Count));
        LaneEntry lost = whole[(int)entry];
        await Assert.ThrowsAsync<InvalidFormatException>(async () => await ReadAsync(lost.BaseOffset));

        scene.Clock().Advance(new ContainerOptions().DamagePatience);
        Assert.Equal(lost.NextOffset, await ReadAsync(lost.BaseOffset));
        await Assert.ThrowsAsync<InvalidFormatException>(async () => await scene.Store.ReadAsync(scene.Own, lost.Number, 1, default));

        Assert.Equal(IngestOutcome.Taken, (await scene.Store.IngestAsync(scene.Own, [lost], default)).Outcome);
        Assert.Equal(lost.BaseOffset, await ReadAsync(lost.BaseOffset));

        async Task<Offset> ReadAsync(Offset from)
        {
            using LaneSlice slice = await scene.Store.ReadAsync(scene.Own, from, 1, default);
            return slice.Entries[0].BaseOffset;
        }
    }

    private static async Task<List<long>> DamagedByReadingAsync(Scene scene, int count)
    {
        List<long> damaged = [];
        for (long next = 0; next < count;)
        {
            try
            {
                using LaneSlice slice = await scene.Store.ReadAsync(scene.Own, new EntryNumber(next), 4096, default);
                next = slice.Entries[^1].Number.Value + 1;
            }
            catch (InvalidFormatException)
            {
                damaged.Add(next++);
            }
        }

        return damaged;
    }

    private static async Task<int> CountAsync(Scene scene, string topic)
    {
        int count = 0;
        for (Offset next = Offset.Zero; next < scene.Store.Lane(scene.Own)!.Value.NextOffset;)
        {
            TopicSlice read = await scene.Store.ReadTopicAsync(scene.Own, TopicName.Parse(topic), next, 1 << 20, default);
            foreach (LaneEntry entry in read.Slice.Entries.Where(e => e.Kind == EntryKind.Events))
            {
                foreach (EventView view in EventBatch.Parse(entry.Body).Events)
                {
                    count += view.Topic.Span.SequenceEqual(System.Text.Encoding.UTF8.GetBytes(topic)) ? 1 : 0;
                }
            }

            next = read.Next;
            read.Slice.Dispose();
        }

        return count;
    }

    // Each batch has the topic by which its sequences end.
    private static async Task FillAsync(Scene scene)
    {
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        long held = scene.Store.Held(Car(1), P0, 0).Select(h => h.Run.Last).DefaultIfEmpty(0).Max();
        for (int i = 0; i < 60; i++)
        {
            long first = held + 1 + i;
            await scene.SendAsync(session, Batch(Car(1), first, 1, after: first - 1, topic: $"t{first % 10}"));
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
