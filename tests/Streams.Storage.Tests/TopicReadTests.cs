using System.Text;
using Streams.Core;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>Reading by topic and by time gives what reading everything and looking gives, wherever the index is: in memory, in files, made
/// anew, or half and half.</summary>
public sealed class TopicReadTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("streams-storage-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(3, false)]
    public async Task One_topic_is_read_from_any_offset_as_if_all_were_read(int seed, bool withFiles)
    {
        await using Scene scene = await OpenAsync(seed, withFiles);
        LaneId foreign = new(P0, Of("ny"));
        for (int round = 0; round < 6; round++)
        {
            await FillAsync(scene, foreign, 25, topics: 12);
            if (round == 2)
            {
                await scene.ReopenAsync();
            }
            else if (round == 3)
            {
                await scene.CrashAsync(null);
            }
            else if (round == 4)
            {
                long first = scene.Store.Lane(scene.Own)!.Value.NextEntry.Value / 2;
                await scene.Store.TrimAsync(scene.Own, new EntryNumber(first), default);
            }

            await CheckAsync(scene, scene.Own, 12);
            await CheckAsync(scene, foreign, 12);
        }

        Assert.True(scene.Store.Status().Segments > 4);
    }

    [Fact]
    public async Task A_topic_among_very_many_is_found_in_few_pages_and_one_that_is_not_there_is_not()
    {
        await using Scene scene = await OpenAsync(1, withFiles: true, segmentBytes: 1 << 20);
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        EventBatchBuilder builder = new();
        const int Batches = 80;
        const int Each = 500;
        for (int b = 0; b < Batches; b++)
        {
            for (int i = 0; i < Each; i++)
            {
                builder.TryAdd(Encoding.UTF8.GetBytes($"machine/{(b * Each) + i}"), default, default, new byte[40], 1);
            }

            await scene.SendAsync(session, builder.Build(new EventIdentity(Car(1), 7, (b * Each) + 1),
                b == 0 ? default : (7UL, (long)b * Each), mayHaveTwins: false));
        }

        await scene.ReopenAsync();
        Assert.True(scene.Store.Recovery.SegmentsFromIndex > 2);
        Assert.Equal(Batches * Each, scene.Store.TopicCount(Fleet));
        for (int n = 0; n < Batches * Each; n += 333)
        {
            using TopicSliceOwner read = new(await scene.Store.ReadTopicAsync(scene.Own, TopicName.Parse($"machine/{n}"), Offset.Zero,
                1 << 20, default));
            LaneEntry entry = Assert.Single(read.Slice.Slice.Entries);
            Assert.Equal(n / Each * Each, entry.BaseOffset.Value);
            Assert.Equal(Batches * Each, read.Slice.Next.Value);
        }

        TopicSlice none = await scene.Store.ReadTopicAsync(scene.Own, TopicName.Parse("machine/none"), Offset.Zero, 1 << 20, default);
        Assert.Empty(none.Slice.Entries);
        Assert.Equal(Batches * Each, none.Next.Value);
    }

    [Fact]
    public async Task The_latest_value_of_a_topic_is_the_last_of_the_lane_with_the_latest_time_before_and_after_a_restart()
    {
        await using Scene scene = await OpenAsync(5, withFiles: true);
        LaneId foreign = new(P0, Of("ny"));
        Assert.Null(await scene.Store.LatestAsync(Fleet, TopicName.Parse("t1"), default));
        await FillAsync(scene, foreign, 120, topics: 9);
        string[] live = await LatestAsync(scene, 9);
        Assert.Equal(await LastByReadingAsync(scene, foreign, 9), live);
        await scene.ReopenAsync();
        Assert.Equal(live, await LatestAsync(scene, 9));
        await scene.Store.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
        Directory.CreateDirectory(_folder);
        foreach (string index in scene.Disk.List().Where(n => n.EndsWith(".idx", StringComparison.Ordinal)))
        {
            scene.Disk.Delete(index);
        }

        await scene.OpenStoreAsync();
        Assert.Equal(live, await LatestAsync(scene, 9));
        await FillAsync(scene, foreign, 20, topics: 9);
        Assert.Equal(await LastByReadingAsync(scene, foreign, 9), await LatestAsync(scene, 9));
        Assert.Null(await scene.Store.LatestAsync(Fleet, TopicName.Parse("none"), default));
    }

    [Fact]
    public async Task A_time_is_found_and_a_clock_that_was_set_back_does_not_hide_what_followed()
    {
        await using Scene scene = await OpenAsync(6, withFiles: true);
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        DateTimeOffset begin = scene.Time.GetUtcNow();
        for (int i = 0; i < 200; i++)
        {
            await scene.SendAsync(session, Batch(Car(1), 1 + (i * 3), 3, after: i * 3));
            scene.Time.Advance(i == 100 ? TimeSpan.FromSeconds(-50) : TimeSpan.FromSeconds(1));
        }

        Check();
        await scene.ReopenAsync();
        Check();

        void Check()
        {
            Assert.Equal(0, scene.Store.FindTime(scene.Own, begin - TimeSpan.FromDays(1)).Value);
            Assert.Equal(0, scene.Store.FindTime(scene.Own, begin).Value);
            Assert.Equal(30, scene.Store.FindTime(scene.Own, begin + TimeSpan.FromSeconds(10)).Value);
            Assert.Equal(33, scene.Store.FindTime(scene.Own, begin + TimeSpan.FromSeconds(10.5)).Value);
            Assert.Equal(300, scene.Store.FindTime(scene.Own, begin + TimeSpan.FromSeconds(100)).Value);
            Assert.Equal(3 * 152, scene.Store.FindTime(scene.Own, begin + TimeSpan.FromSeconds(101)).Value);
            Assert.Equal(600, scene.Store.FindTime(scene.Own, begin + TimeSpan.FromDays(1)).Value);
        }
    }

    private static async Task CheckAsync(Scene scene, LaneId lane, int topics)
    {
        LaneStatus status = scene.Store.Lane(lane)!.Value;
        List<(long Offset, string Topic)> all = [];
        foreach (LaneEntry entry in await scene.EntriesAsync(lane))
        {
            if (entry.Kind == EntryKind.Events)
            {
                foreach (EventView view in EventBatch.Parse(entry.Body).Events)
                {
                    all.Add((entry.BaseOffset.Value + view.Index, Encoding.UTF8.GetString(view.Topic.Span)));
                }
            }
        }

        for (int i = 0; i < 30; i++)
        {
            string topic = $"t{scene.Chance.Next(topics + 1)}";
            long from = scene.Chance.NextInt64(status.NextOffset.Value + 1);
            Assert.Equal([.. all.Where(e => e.Topic == topic && e.Offset >= from).Select(e => e.Offset)],
                await ReadAsync(scene, lane, topic, from));
        }
    }

    private static async Task<List<long>> ReadAsync(Scene scene, LaneId lane, string topic, long from)
    {
        List<long> offsets = [];
        long end = scene.Store.Lane(lane)!.Value.NextOffset.Value;
        Offset next = new(from);
        while (next.Value < end)
        {
            using TopicSliceOwner read = new(await scene.Store.ReadTopicAsync(lane, TopicName.Parse(topic), next, 700, default));
            foreach (LaneEntry entry in read.Slice.Slice.Entries.Where(e => e.Kind == EntryKind.Events))
            {
                foreach (EventView view in EventBatch.Parse(entry.Body).Events)
                {
                    if (Encoding.UTF8.GetString(view.Topic.Span) == topic && entry.BaseOffset.Value + view.Index >= from)
                    {
                        offsets.Add(entry.BaseOffset.Value + view.Index);
                    }
                }
            }

            Assert.True(read.Slice.Next > next, "it stands still");
            next = read.Slice.Next;
        }

        return offsets;
    }

    private static async Task<string[]> LatestAsync(Scene scene, int topics)
    {
        List<string> values = [];
        for (int i = 0; i < topics; i++)
        {
            LatestValue? latest = await scene.Store.LatestAsync(Fleet, TopicName.Parse($"t{i}"), default);
            values.Add($"t{i} {latest?.Lane.Origin} {latest?.Offset} {Encoding.UTF8.GetString((latest?.Payload ?? default).Span)}");
        }

        return [.. values];
    }

    private static async Task<string[]> LastByReadingAsync(Scene scene, LaneId foreign, int topics)
    {
        Dictionary<string, (long Timestamp, string Text)> best = [];
        foreach (LaneId lane in (LaneId[])[scene.Own, foreign])
        {
            Dictionary<string, (long Timestamp, string Text)> last = [];
            foreach (LaneEntry entry in (await scene.EntriesAsync(lane)).Where(e => e.Kind == EntryKind.Events))
            {
                foreach (EventView view in EventBatch.Parse(entry.Body).Events)
                {
                    last[Encoding.UTF8.GetString(view.Topic.Span)] = (view.TimestampMicroseconds,
                        $"{lane.Origin} {entry.BaseOffset + view.Index} {Encoding.UTF8.GetString(view.Payload.Span)}");
                }
            }

            foreach ((string topic, (long Timestamp, string Text) value) in last)
            {
                if (!best.TryGetValue(topic, out (long Timestamp, string Text) kept) || value.Timestamp > kept.Timestamp)
                {
                    best[topic] = value;
                }
            }
        }

        return [.. Enumerable.Range(0, topics).Select(i => $"t{i} {best[$"t{i}"].Text}")];
    }

    // Batches of several topics each into the own lane, and, as they would come over a link, into a foreign one.
    private static async Task FillAsync(Scene scene, LaneId foreign, int batches, int topics)
    {
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        for (int i = 0; i < batches; i++)
        {
            long held = scene.Store.Held(Car(1), P0, 0).Select(h => h.Run.Last).DefaultIfEmpty(0).Max();
            await scene.SendAsync(session, Mixed(scene, Car(1), held, topics));
            long there = scene.Store.Held(Car(2), P0, 0).Select(h => h.Run.Last).DefaultIfEmpty(0).Max();
            EventBatch batch = Mixed(scene, Car(2), there, topics);
            LaneStatus? lane = scene.Store.Lane(foreign);
            List<TopicFact> facts = [.. Enumerable.Range(0, topics).Select(t => new TopicFact(TopicName.Parse($"t{t}"),
                new HybridTimestamp(1, foreign.Origin.Cluster)))];
            LaneEntry entry = new()
            {
                Number = lane?.NextEntry ?? EntryNumber.Zero, Kind = EntryKind.Topics, BaseOffset = lane?.NextOffset ?? Offset.Zero,
                EventCount = 0, AppendedAt = 1, Path = ReplicationPath.StartingAt(foreign.Origin), Body = TopicFacts.Write(facts),
            };
            LaneEntry events = new()
            {
                Number = entry.Number + 1, Kind = EntryKind.Events, BaseOffset = entry.BaseOffset, EventCount = batch.Header.Count,
                AppendedAt = 1, Path = ReplicationPath.StartingAt(foreign.Origin), Body = batch.Bytes,
            };
            await scene.Store.IngestAsync(foreign, [entry, events], default);
        }
    }

    private static EventBatch Mixed(Scene scene, ProducerId producer, long held, int topics)
    {
        EventBatchBuilder builder = new();
        int count = scene.Chance.Next(1, 6);
        for (int i = 0; i < count; i++)
        {
            builder.TryAdd(Encoding.UTF8.GetBytes($"t{scene.Chance.Next(topics)}"), default, default,
                Encoding.UTF8.GetBytes($"{producer.Value}:{held + i}"), scene.Chance.Next(1_000_000));
        }

        return builder.Build(new EventIdentity(producer, 7, held + 1), held == 0 ? default : (7UL, held), mayHaveTwins: false);
    }

    private async Task<Scene> OpenAsync(int seed, bool withFiles, long segmentBytes = 4 << 10)
    {
        Scene scene = new(seed)
        {
            Options = new ContainerOptions
            {
                Directory = withFiles ? _folder : null, SegmentBytes = segmentBytes, AllocationBytes = 4 << 10, PartitionletBytes = 9 << 10,
            },
        };
        await scene.OpenStoreAsync();
        return scene;
    }

    private sealed class TopicSliceOwner(TopicSlice slice) : IDisposable
    {
        public TopicSlice Slice => slice;

        public void Dispose() => slice.Slice.Dispose();
    }
}
