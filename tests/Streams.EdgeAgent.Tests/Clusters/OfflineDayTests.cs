using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Streams.Client;
using Streams.Core;
using Streams.Testing;

namespace Streams.EdgeAgent.Tests;

/// <summary>A day without an uplink, its hours passing on a virtual clock: more events than the store may keep. In full, and with the
/// agent as a process, it is the sample's <c>--offline-day</c>.</summary>
public sealed class OfflineDayTests(SharedCluster shared) : IClassFixture<SharedCluster>
{
    private const int Devices = 100;
    private const int EventsOfAnHour = 25;                    // of a device
    private const int Live = 20;                              // of a device, while the backlog drains
    private const long StoreSlack = 1 << 20;                  // what docs/agent-store.md allows beside the limit

    [Fact]
    public async Task A_day_offline_stays_within_the_store_drops_the_oldest_as_declared_and_drains_with_live_events()
    {
        await using AgentStory story = AgentStory.At(shared.Server);
        VirtualTime time = new();
        story.OpenStore("box-1", static o => o with { MaxBytes = LocalStoreOptions.LeastBytes, WhenFull = WhenStoreFull.DropOldest }, time);
        StreamSettings settings = await story.Store.EnsureStreamAsync(story.Fleet, default);
        int[] numbers = new int[Devices];
        long most = 0;
        for (int hour = 0; hour < 24; hour++)
        {
            await PublishAsync(story, settings, numbers, EventsOfAnHour);
            time.Advance(TimeSpan.FromHours(1));
            most = Math.Max(most, FileBytes(story.FolderOf("box-1")));
        }

        Assert.InRange(most, 8L << 20, LocalStoreOptions.LeastBytes + StoreSlack);
        long kept = story.Store.UpLanes.Sum(static l => l.NextOffset - l.FirstOffset);
        Assert.InRange(kept, 10_000, (Devices * EventsOfAnHour * 24) - 1000);

        story.Connect();
        await Eventually.TrueAsync(() => story.Side.Waiting < kept - 1000, "the backlog drains");
        await PublishAsync(story, settings, numbers, Live);
        await Eventually.EqualAsync(0L, () => story.Side.Waiting, "all has gone up", TimeSpan.FromSeconds(60));

        int[] last = new int[Devices];
        int[] gaps = new int[Devices];
        long count = 0;
        await foreach ((int device, int number) in ReadAsync(story))
        {
            Assert.True(number > last[device], $"device {device}: {number} came after {last[device]}");
            gaps[device] += number > last[device] + 1 ? 1 : 0;
            last[device] = number;
            count++;
            if (last.All(n => n == (EventsOfAnHour * 24) + Live))
            {
                break;
            }
        }

        // What went is the oldest: each device misses one stretch, before all that was delivered of it.
        Assert.All(gaps, static g => Assert.Equal(1, g));
        Assert.InRange(count, 10_000, kept + (Devices * Live));
        story.Logger.AssertNoErrors();
    }

    private static async Task PublishAsync(AgentStory story, StreamSettings settings, int[] numbers, int count)
    {
        ConcurrentBag<Task> waiting = [];
        for (int i = 0; i < count * Devices; i++)
        {
            int device = i % Devices;
            byte[] topic = Encoding.ASCII.GetBytes($"device-{device:000}");
            StreamPartition partition = new(story.Fleet, Core.Partitioner.For(default, topic, settings.Partitions));
            byte[] payload = Encoding.ASCII.GetBytes($"{++numbers[device]:0000000000}".PadRight(200, '.'));
            waiting.Add(story.Store.AppendPlainAsync(partition, new PlainEvent(topic, default, default, payload, 1,
                Client: $"device-{device:000}"), default).AsTask());
        }

        await Task.WhenAll(waiting);
    }

    private static async IAsyncEnumerable<(int Device, int Number)> ReadAsync(AgentStory story)
    {
        StreamsClient client = await story.BackEndAsync(name: "reader");
        await using StreamsConsumer consumer = await client.ConsumeAsync(
            new ConsumerOptions { Name = ConsumerName.Parse("reader"), Stream = story.Fleet });
        using CancellationTokenSource enough = new(TimeSpan.FromSeconds(60));
        await foreach (ReceivedEvent received in consumer.ReadAllAsync(enough.Token))
        {
            received.Acknowledge();
            yield return (int.Parse(received.Topic.Value.AsSpan(7), CultureInfo.InvariantCulture),
                int.Parse(received.Payload.Span[..10], CultureInfo.InvariantCulture));
        }
    }

    private static long FileBytes(string folder) => Directory.GetFiles(folder, "agent.db*").Sum(static f => new FileInfo(f).Length);
}
