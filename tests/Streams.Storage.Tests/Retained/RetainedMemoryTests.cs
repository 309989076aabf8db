using System.Text;
using Streams.Core;
using static Streams.Storage.Tests.RetainedScene;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>What a retained message costs a container. Counted is what is allocated, which is at least what stays.</summary>
public sealed class RetainedMemoryTests
{
    private const int Topics = 100_000;
    private static readonly LaneId Sf = new(P0, Of("sf"));
    private static readonly LaneId Ny = new(P0, Of("ny"));

    [Fact]
    public void A_hundred_thousand_topics_take_about_forty_bytes_each_when_they_have_a_message_and_none_before()
    {
        StateRevision revision = new();
        StreamTopics topics = new(revision);
        for (int i = 0; i < Topics; i++)
        {
            topics.Join(new TopicFact(TopicName.Parse($"plant-7/machine-{i:d7}/state"), new HybridTimestamp(1, Sf.Origin.Cluster)));
        }

        Assert.Equal(0, topics.RetainedCount);
        long first = Cost(topics, Sf, at: 1);
        Assert.InRange(first / (double)Topics, 39, 41);
        Assert.Equal(Topics, topics.RetainedCount);
        Assert.InRange(Cost(topics, Sf, at: 2), 0, 1000);
        Assert.InRange(Cost(topics, Ny, at: 3), 0, 1000);
        Assert.Equal(Topics, topics.RetainedCount);
    }

    [Fact]
    public async Task Pages_go_over_a_hundred_thousand_topics_without_copying_their_names()
    {
        await using Container store = await Container.OpenAsync(new ContainerOptions { Disk = new DiscardingDisk() }, new ManualTime(),
            new Random(1), new RecordingLogger(), default);
        await store.StartWritingAsync(Sj(1), default);
        ProducerSession session = store.BeginProducer(Car(1));
        EventBatchBuilder builder = new();
        for (int i = 0; i < Topics; i += 500)
        {
            for (int n = i; n < i + 500; n++)
            {
                builder.TryAdd(Utf8($"plant-7/machine-{n:d7}/state"), default, default, new byte[n % 10 == 0 ? 0 : 1], 1, isRetained: true);
            }

            await store.ProduceAsync(session, P0, AfterVector.Empty,
                builder.Build(new EventIdentity(Car(1), 7, i + 1), i == 0 ? default : (7UL, (long)i), mayHaveTwins: false), default);
        }

        HashSet<string> seen = [];
        int pages = 0;
        for (int from = 0; from >= 0; pages++)
        {
            RetainedPage page = store.Retained(Fleet, from, 10_000);
            Assert.All(page.Heads, h => Assert.True(seen.Add(Encoding.UTF8.GetString(h.Topic.Span))));
            from = page.Next;
        }

        Assert.Equal(Topics / 10 * 9, seen.Count);
        Assert.InRange(pages, Topics / 512, (Topics / 512) + 1);   // however many are asked for, the lock is held for so many
        byte[] topic = Utf8("plant-7/machine-0000001/state");
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            _ = store.RetainedHead(Fleet, topic);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static long Cost(StreamTopics topics, LaneId lane, long at)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Topics; i++)
        {
            topics.JoinRetained(i, new RetainedMark(lane, i, at, true, 1000 + i));
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
