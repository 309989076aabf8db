using Streams.Core;
using Streams.Gateways;

namespace Streams.EdgeAgent.Tests;

/// <summary>Registers, settings, retained messages and marks.</summary>
public abstract partial class EventStoreContract
{
    [Fact]
    public async Task Registers_are_kept_removed_ones_too_and_the_last_writer_wins()
    {
        Assert.Null(Store.Register(Fleet, "session/a"));
        await SetAsync("session/a", "1");
        await SetAsync("session/a", "2");
        RegisterFact known = Store.Register(Fleet, "session/a")!.Value;
        Assert.Equal("2", Value("session/a"));
        await Store.ReplaceRegisterAsync(Fleet, known, Bytes("3"), default);
        Assert.Equal("3", Value("session/a"));
        Time.Advance(TimeSpan.FromSeconds(1));
        await SetAsync("session/a", "4");
        await Store.ReplaceRegisterAsync(Fleet, known, Bytes("late"), default);
        Assert.Equal("4", Value("session/a"));
        await SetAsync("session/a", "");
        await ReopenAsync();
        Assert.Equal("", Value("session/a"));
        Time.StepWallClock(TimeSpan.FromDays(-1));
        await SetAsync("session/a", "5");
        Assert.Equal("5", Value("session/a"));
    }

    [Fact]
    public async Task Pages_give_every_register_once_whatever_comes_meanwhile()
    {
        await Task.WhenAll(Enumerable.Range(0, 25).Select(i => SetAsync($"session/{i:d2}", $"{i}")));
        List<string> keys = [];
        RegisterPage page = Store.Registers(Fleet, 0, 10);
        while (page.Facts.Count > 0)
        {
            Assert.InRange(page.Facts.Count, 1, 10);
            keys.AddRange(page.Facts.Select(f => f.Key));
            await SetAsync("session/03", "again");
            await SetAsync($"session/more{keys.Count}", "x");
            page = keys.Count < 30 ? Store.Registers(Fleet, page.Next, 10) : new RegisterPage([], 0);
        }

        Assert.Equal(keys.Distinct(), keys);
        Assert.Superset(Enumerable.Range(0, 25).Select(i => $"session/{i:d2}").ToHashSet(), keys.ToHashSet());
        Assert.Empty(Store.Registers(StreamPath.Parse("/other"), 0, 10).Facts);
    }

    [Fact]
    public async Task A_stream_is_made_with_the_defaults_and_its_partitions_never_fall()
    {
        Assert.Null(Store.Settings(Fleet));
        Assert.Equal(StreamSettings.Default, await Store.EnsureStreamAsync(Fleet, default));
        await Store.SetRegisterAsync(Fleet, StreamSettings.RegisterKey,
            new StreamSettings(9) { RetentionBytes = 100 }.Write(), default);
        await Store.SetRegisterAsync(Fleet, StreamSettings.RegisterKey, new StreamSettings(2).Write(), default);
        Assert.Equal(new StreamSettings(9), Store.Settings(Fleet));
        await ReopenAsync();
        Assert.Equal(new StreamSettings(9), await Store.EnsureStreamAsync(Fleet, default));
        Assert.Equal([Fleet], Store.Streams);
    }

    [Fact]
    public async Task The_retained_message_of_a_topic_is_the_one_with_the_latest_time()
    {
        ReadOnlyMemory<byte> topic = Bytes("lamp");
        Assert.Null(Store.RetainedHead(Fleet, topic.Span));
        await AppendAsync("on", "lamp", retained: true, at: 100);
        EventPlace off = await AppendAsync("off", "lamp", retained: true, at: 50);    // a clock that was set back
        await AppendAsync("not retained", "lamp", at: 200);
        await ReopenAsync();
        RetainedHead head = Store.RetainedHead(Fleet, topic.Span)!.Value;
        Assert.Equal((off.Offset, 101, true), (head.Offset, head.TimestampMicroseconds, head.HasMessage));
        Assert.Equal(Own, head.Lane);
        RetainedMessage message = (await Store.RetainedAsync(Fleet, topic, default))!;
        Assert.Equal("off", Text(message.Payload));
        await AppendAsync("", "lamp", retained: true, at: 300);
        Assert.False(Store.RetainedHead(Fleet, topic.Span)!.Value.HasMessage);
        Assert.Null(await Store.RetainedAsync(Fleet, topic, default));
    }

    [Fact]
    public async Task Pages_of_retained_messages_give_every_topic_that_has_one()
    {
        await Task.WhenAll(Enumerable.Range(0, 30).Select(i => AppendAsync($"{i}", $"lamp/{i}", retained: true)));
        await AppendAsync("", "lamp/7", retained: true);
        List<string> topics = [];
        for (RetainedPage page = Store.Retained(Fleet, 0, 8); ; page = Store.Retained(Fleet, page.Next, 8))
        {
            Assert.InRange(page.Heads.Count, 0, 8);
            topics.AddRange(page.Heads.Select(h => Text(h.Topic)));
            if (page.Next < 0)
            {
                break;
            }
        }

        Assert.Equal(Enumerable.Range(0, 30).Where(i => i != 7).Select(i => $"lamp/{i}").Order(), topics.Order());
        Assert.Equal(-1, Store.Retained(StreamPath.Parse("/other"), 0, 8).Next);
    }

    [Fact]
    public async Task A_batch_of_a_producer_may_hold_retained_messages()
    {
        EventBatchBuilder builder = new();
        builder.TryAdd("lamp"u8, default, default, "on"u8, 10, isRetained: true);
        builder.TryAdd("lamp"u8, "k"u8, default, "off"u8, 20, isRetained: true);
        EventBatch batch = builder.Build(new EventIdentity(Car(1), 7, 1), default, mayHaveTwins: false);
        await SendAsync(Store.BeginProducer(Car(1)), batch);
        RetainedMessage message = (await Store.RetainedAsync(Fleet, Bytes("lamp"), default))!;
        Assert.Equal(("off", "k", 1L), (Text(message.Payload), Text(message.Key), message.Head.Offset.Value));
    }

    [Fact]
    public async Task What_is_marked_is_not_appended_again_until_the_mark_goes()
    {
        Assert.Equal(0, (await OnceAsync("a", Number(7)))!.Value.Offset.Value);
        Assert.Null(await OnceAsync("again", Number(7)));
        await KillAsync();
        Assert.Null(await OnceAsync("again", Number(7)));
        Assert.True(await Store.ClearMarkAsync(Number(7), default));
        Assert.False(await Store.ClearMarkAsync(Number(7), default));
        Assert.Equal(1, (await OnceAsync("b", Number(7)))!.Value.Offset.Value);
        Assert.NotNull(await OnceAsync("c", Number(7), isNew: true));
        Assert.Null(await OnceAsync("again", Number(7)));
        Assert.Equal(["a", "b", "c"], await PayloadsAsync());
    }

    [Fact]
    public async Task Of_calls_that_race_for_one_mark_one_appends()
    {
        EventPlace?[] places = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => OnceAsync("x", Number(1 + (i % 10)))));
        Assert.Equal(10, places.Count(p => p is not null));
        Assert.Equal(10, (await PayloadsAsync()).Length);
    }

    [Fact]
    public async Task Marks_of_another_owner_do_not_count_and_there_are_only_so_many()
    {
        await OnceAsync("a", Number(1, owner: 1));
        Assert.NotNull(await OnceAsync("b", Number(1, owner: 2)));
        Assert.False(await Store.ClearMarkAsync(Number(1, owner: 1), default));
        await OnceAsync("c", Number(2, owner: 2));
        await OnceAsync("d", Number(3, owner: 2));
        await Assert.ThrowsAsync<InvalidRequestException>(() => OnceAsync("e", Number(4, owner: 2)));
        await Assert.ThrowsAsync<InvalidRequestException>(() => OnceAsync("e", Number(0, owner: 2)));
        PlainEvent great = new("t"u8.ToArray(), default, default, new byte[EventLimits.MaxPayloadBytes + 1], 1);
        await Store.ClearMarkAsync(Number(3, owner: 2), default);
        await Assert.ThrowsAsync<InvalidRequestException>(
            () => Store.AppendOnceAsync(P0, great, Number(3, owner: 2), isNew: false, default).AsTask());
        Assert.False(await Store.ClearMarkAsync(Number(3, owner: 2), default));
        Assert.Equal(["a", "b", "c", "d"], await PayloadsAsync());
    }

    private static Mark Number(int number, ulong owner = 1) => new(Fleet, "qos2/x", Car(owner), number, 3 + (owner == 1 ? 10 : 0));

    private Task<EventPlace?> OnceAsync(string payload, Mark mark, bool isNew = false) =>
        Store.AppendOnceAsync(P0, Plain(payload), mark, isNew, default).AsTask();
}
