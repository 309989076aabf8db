using Streams.Core;
using static Streams.Storage.Tests.RetainedScene;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>A topic's retained message: which event it is, and that every cluster says the same.</summary>
public sealed class RetainedTests
{
    private static readonly LaneId Ny = new(P0, Of("ny"));
    private static readonly LaneId La = new(P0, Of("la"));

    [Fact]
    public async Task The_last_event_with_the_flag_is_retained_and_events_without_it_change_nothing()
    {
        await using Scene scene = await OpenAsync();
        await scene.Store.RetainAsync("a", "never", 1, isRetained: false);
        Assert.Null(scene.Store.RetainedHead(Fleet, "a"u8));
        Assert.Null(await scene.Store.RetainedTextAsync("a"));
        Assert.Empty(scene.Store.AllRetained());
        await scene.Store.RetainAsync("a", "one", 2);
        await scene.Store.RetainAsync("a", "two", 3);
        await scene.Store.RetainAsync("a", "live", 4, isRetained: false);
        RetainedMessage message = (await scene.Store.RetainedAsync(Fleet, "a"u8.ToArray(), default))!;
        Assert.Equal("two"u8, message.Payload.Span);
        Assert.Equal("k"u8, message.Key.Span);
        Assert.True(EventHeader.TryDecode(message.Headers, out IReadOnlyList<EventHeader> headers));
        Assert.Equal("h", Assert.Single(headers).Name);
        Assert.Equal((scene.Own, new Offset(2), 3L, true),
            (message.Head.Lane, message.Head.Offset, message.Head.TimestampMicroseconds, message.Head.HasMessage));
        Assert.Null(await scene.Store.RetainedAsync(StreamPath.Parse("/none"), "a"u8.ToArray(), default));
    }

    [Fact]
    public async Task An_empty_payload_removes_the_message_and_a_later_one_brings_another()
    {
        await using Scene scene = await OpenAsync();
        await scene.Store.RetainAsync("a", "one", 1);
        await scene.Store.RetainAsync("b", "stays", 1);
        await scene.Store.RetainAsync("a", "", 2);
        Assert.Null(await scene.Store.RetainedTextAsync("a"));
        Assert.False(scene.Store.RetainedHead(Fleet, "a"u8)!.Value.HasMessage);
        Assert.Equal("b"u8, Assert.Single(scene.Store.AllRetained()).Topic.Span);
        await scene.Store.RetainAsync("a", "two", 3);
        Assert.Equal("two", await scene.Store.RetainedTextAsync("a"));
        Assert.Equal(2, scene.Store.AllRetained(max: 1).Count);
    }

    [Fact]
    public async Task A_client_on_a_cluster_whose_clock_is_behind_does_not_lose_to_its_own_older_message()
    {
        await using Scene scene = await OpenAsync();
        await scene.Store.IngestAsync(Ny, RetainedBatch(Car(9), 1, ("a", "from the future", 5_000)));
        Assert.Equal("from the future", await scene.Store.RetainedTextAsync("a"));
        await scene.Store.RetainAsync("a", "newer by order", 1_000);
        Assert.Equal("newer by order", await scene.Store.RetainedTextAsync("a"));
        Assert.Equal(5_001, scene.Store.RetainedHead(Fleet, "a"u8)!.Value.TimestampMicroseconds);

        // Many that wait together: each is behind the one before it, seen or not.
        scene.Disk.FlushGate.Reset();
        Task<EventPlace>[] waiting = [.. Enumerable.Range(0, 50).Select(i => scene.Store.RetainAsync("a", $"{i}", 900 - i))];
        Task<ProduceResult> sent = scene.SendAsync(scene.Store.BeginProducer(Car(8)), RetainedBatch(Car(8), 1, ("a", "sdk", 9_000)));
        Task<EventPlace> last = scene.Store.RetainAsync("a", "last", 0);
        scene.Disk.FlushGate.Set();
        await Task.WhenAll([.. waiting, last, sent]);
        Assert.Equal("last", await scene.Store.RetainedTextAsync("a"));
        Assert.Equal(9_001, scene.Store.RetainedHead(Fleet, "a"u8)!.Value.TimestampMicroseconds);
        await scene.Store.RetainAsync("b", "untouched", 1_000);
        Assert.Equal(1_000, scene.Store.RetainedHead(Fleet, "b"u8)!.Value.TimestampMicroseconds);
    }

    [Fact]
    public async Task At_the_end_of_time_the_offset_still_decides()
    {
        await using Scene scene = await OpenAsync();
        await scene.Store.RetainAsync("a", "one", long.MaxValue);
        await scene.Store.RetainAsync("a", "two", 5);
        Assert.Equal("two", await scene.Store.RetainedTextAsync("a"));
    }

    [Fact]
    public async Task Within_a_batch_the_latest_time_counts_and_of_equal_ones_the_last()
    {
        await using Scene scene = await OpenAsync();
        await scene.SendAsync(scene.Store.BeginProducer(Car(1)), RetainedBatch(Car(1), 1, ("a", "old", 3), ("a", "new", 9),
            ("a", "late", 4), ("b", "first", 5), ("c", "x", 1), ("b", "second", 5), ("a", "last", 2)));
        Assert.Equal("new", await scene.Store.RetainedTextAsync("a"));
        Assert.Equal("second", await scene.Store.RetainedTextAsync("b"));
        Assert.Equal(3, scene.Store.AllRetained().Count);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Lanes_that_come_in_any_order_and_by_any_way_give_the_same_messages(int seed)
    {
        Random chance = new(seed);
        LaneId[] lanes = [Ny, La, new LaneId(P0, Of("la", 2)), new LaneId(Part(1), Of("ny"))];
        Dictionary<LaneId, List<EventBatch>> batches = lanes.ToDictionary(l => l, _ => new List<EventBatch>());
        for (int i = 0; i < 60; i++)
        {
            LaneId lane = lanes[chance.Next(lanes.Length)];
            int car = 1 + Array.IndexOf(lanes, lane);
            batches[lane].Add(RetainedBatch(Car(car), 1 + batches[lane].Count, (chance.Next(12).ToString(), chance.Next(4) == 0 ? ""
                : $"{lane} {batches[lane].Count}", chance.Next(6))));
        }

        string[]? expected = null;
        for (int order = 0; order < 4; order++)
        {
            await using Scene scene = await OpenAsync(seed, new ContainerOptions { SegmentBytes = 4 << 10, AllocationBytes = 4 << 10 });
            Dictionary<LaneId, int> at = lanes.ToDictionary(l => l, _ => 0);
            while (lanes.Where(l => at[l] < batches[l].Count).ToArray() is { Length: > 0 } left)
            {
                int next = order switch { 0 => 0, 1 => left.Length - 1, _ => new Random(order + at.Values.Sum()).Next(left.Length) };
                LaneId lane = left[next];
                await scene.Store.IngestAsync(lane, batches[lane][at[lane]++]);
            }

            if (order == 3)
            {
                // By the joined state alone, of a cluster that keeps none of the entries, and a piece at a time in any order.
                await using Scene other = await OpenAsync(seed);
                foreach (LaneId lane in lanes)
                {
                    await scene.Store.TrimAsync(lane, scene.Store.Lane(lane)!.Value.NextEntry, default);
                }

                StateItem[] items = [.. scene.Store.State()];
                chance.Shuffle(items);
                foreach (StateItem item in items)
                {
                    await other.Store.JoinAsync([item], default);
                }

                Assert.Empty(await other.Store.JoinAsync(items, default));
                Assert.Equal(expected, await KnownAsync(other.Store));
            }

            string[] known = await KnownAsync(scene.Store);
            expected ??= known;
            Assert.Equal(expected, known);
            await scene.ReopenAsync();
            Assert.Equal(expected, await KnownAsync(scene.Store));
        }
    }

    // All that is known, with topics that were removed.
    private static Task<string[]> KnownAsync(Container store) => store.RetainedLinesAsync(store.Topics(Fleet, 1000)
        .Select(t => t.Topic.Value).Where(t => store.RetainedHead(Fleet, Utf8(t)) is { HasMessage: false }));
}
