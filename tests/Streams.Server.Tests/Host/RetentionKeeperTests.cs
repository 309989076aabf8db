using Microsoft.Extensions.Logging;
using Streams.Core;
using Streams.Storage;
using Streams.Testing;

namespace Streams.Server.Tests;

/// <summary>What is too old goes by itself, its space is given back, and what it told stays known; a stream without limits keeps
/// all.</summary>
public sealed class RetentionKeeperTests
{
    private static readonly StreamPath Kept = StreamPath.Parse("/kept");
    private static readonly StreamPath Short = StreamPath.Parse("/short");

    [Fact]
    public async Task Old_events_go_and_their_segments_and_nothing_else()
    {
        using TemporaryDirectory directory = new();
        CollectingLoggerProvider log = new();
        Container store = await OpenAsync(directory, log);
        await store.EnsureStreamAsync(Kept, default);
        await store.SetRegisterAsync(Short, StreamSettings.RegisterKey,
            new StreamSettings(1) { RetentionAge = TimeSpan.FromSeconds(2) }.Write(), default);
        await AppendAsync(store, Kept, 20);
        await AppendAsync(store, Short, 200);
        ConsumerName consumer = ConsumerName.Parse("c");
        StreamPartition partition = new(Short, default);
        await store.CommitAsync(consumer, partition, Cursor.Start.With(store.Origin, new Offset(7)), default);
        RetentionRules rules = new() { Now = default, LeastSegmentAge = TimeSpan.Zero };
        await using (new RetentionKeeper(store, rules, this, TimeProvider.System, new Random(1), log.CreateLogger("retention")))
        {
            LaneId lane = new(partition, store.Origin);
            await Eventually.TrueAsync(() => store.Lane(lane)!.Value.FirstOffset.Value >= 199, "the old ones go",
                seen: () => $"{store.Lane(lane)} {log.Logs.Text}");
            await Eventually.TrueAsync(() => log.Logs.Text.Contains("given back", StringComparison.Ordinal)
                || log.Logs.Text.Contains("were deleted", StringComparison.Ordinal), "their space is given back",
                seen: () => log.Logs.Text);
        }

        await AppendAsync(store, Short, 1);
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(new Offset(7), store.Cursor(consumer, partition)[store.Origin]);
            Assert.Equal(20, store.Lanes(new StreamPartition(Kept, default)).Single().NextOffset.Value);
            Assert.Equal(0, store.Lanes(new StreamPartition(Kept, default)).Single().FirstOffset.Value);
            Assert.Equal(201, store.Lanes(partition).Single().NextOffset.Value);
            await store.DisposeAsync();
            File.Delete(directory.Combine("data", "state.db"));          // what is derived comes from what is left of the log
            store = await OpenAsync(directory, log);
        }

        await store.DisposeAsync();
        Assert.DoesNotContain("cannot be read", log.Logs.Text, StringComparison.Ordinal);
    }

    private static async Task<Container> OpenAsync(TemporaryDirectory directory, CollectingLoggerProvider log)
    {
        ContainerOptions options = new() { Directory = directory.Combine("data"), SegmentBytes = 64 << 10, AllocationBytes = 64 << 10 };
        Container store = await Container.OpenAsync(options, TimeProvider.System, new Random(1), log.CreateLogger("store"), default);
        await store.StartWritingAsync(new Origin(ClusterName.Parse("sj"), new Incarnation(1)), default);
        return store;
    }

    private static async Task AppendAsync(Container store, StreamPath stream, int count)
    {
        for (int i = 0; i < count; i++)
        {
            await store.AppendPlainAsync(new StreamPartition(stream, default),
                new PlainEvent("t"u8.ToArray(), default, default, new byte[1000], i), default);
        }
    }
}
