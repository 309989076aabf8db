using Streams.Core;
using Xunit.Abstractions;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>What an idle lane, a topic, a cursor cost a container.</summary>
[Collection(Alone.Name)]
public sealed class ManyLanesTests(ITestOutputHelper output)
{
    private const int Origins = 200;
    private const int Partitions = 500;
    private const int Lanes = Origins * Partitions;

    [Fact]
    public async Task An_idle_lane_costs_less_than_a_kilobyte_in_memory()
    {
        await using Container store = await Container.OpenAsync(new ContainerOptions { Disk = new DiscardingDisk() }, new ManualTime(),
            new Random(1), new RecordingLogger(), default);
        await store.StartWritingAsync(Sj(1), default);
        ReadOnlyMemory<byte> body = Batch(Car(1), 1, 1).Bytes;
        Origin[] origins = [.. Enumerable.Range(0, Origins).Select(n => Of($"cluster-{n}"))];
        long before = Used();
        for (int partition = 0; partition < Partitions; partition++)
        {
            await Task.WhenAll(origins.Select(origin => store.IngestAsync(new LaneId(Part(partition), origin), [Entry(origin, body)],
                default).AsTask()));
        }

        long each = (Used() - before) / Lanes;
        Assert.Equal(Lanes, store.Lanes().Count);
        output.WriteLine($"an idle lane of one entry and one producer: {each} bytes in the container ({Lanes} lanes)");
        Assert.InRange(each, 100, 900);
    }

    [Fact]
    public async Task A_topic_and_a_cursor_cost_less_than_four_hundred_bytes_together()
    {
        const int Each = 240_000;
        await using Container store = await Container.OpenAsync(new ContainerOptions { Disk = new DiscardingDisk() }, new ManualTime(),
            new Random(1), new RecordingLogger(), default);
        await store.StartWritingAsync(Sj(1), default);
        long before = Used();
        ProducerSession session = store.BeginProducer(Car(1));
        EventBatchBuilder builder = new();
        for (int i = 0; i < Each; i += 500)
        {
            for (int n = i; n < i + 500; n++)
            {
                builder.TryAdd(System.Text.Encoding.UTF8.GetBytes($"plant-7/machine-{n:d7}/state"), default, default, new byte[1], 1);
            }

            EventBatch batch = builder.Build(new EventIdentity(Car(1), 7, i + 1), i == 0 ? default : (7UL, (long)i), mayHaveTwins: false);
            await store.ProduceAsync(session, P0, AfterVector.Empty, batch, default);
        }

        long topics = (Used() - before) / Each;
        for (int i = 0; i < Each; i += 500)
        {
            await Task.WhenAll(Enumerable.Range(i, 500).Select(n => store.CommitAsync(ConsumerName.Parse($"consumer-of-machine-{n:d7}"), P0,
                Cursor.Start.With(Sj(1), new Offset(n + 1)).With(Of("ny"), new Offset(n)), default).AsTask()));
        }

        long cursors = ((Used() - before) / Each) - topics;
        Assert.Equal(Each, store.TopicCount(Fleet));
        output.WriteLine($"a topic: {topics} bytes, with its mention in the segment being written; a cursor of two lanes: {cursors} bytes");
        Assert.InRange(topics, 50, 200);
        Assert.InRange(cursors, 50, 200);
    }

    private static long Used()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
    }

    private static LaneEntry Entry(Origin origin, ReadOnlyMemory<byte> body) => new()
    {
        Number = EntryNumber.Zero, Kind = EntryKind.Events, BaseOffset = Offset.Zero, EventCount = 1, AppendedAt = 1,
        Path = ReplicationPath.StartingAt(origin), Body = body,
    };
}
