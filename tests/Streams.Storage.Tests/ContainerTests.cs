using System.Text;
using Microsoft.Win32.SafeHandles;
using Streams.Core;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

public sealed class ContainerTests
{
    private static readonly ConsumerName Reader = ConsumerName.Parse("reader");

    [Fact]
    public async Task R11_cursors_join_by_generation_and_then_by_the_greater_offset()
    {
        await using Scene scene = await OpenAsync();
        Origin ny = Of("ny");
        await scene.Store.CommitAsync(Reader, P0, Cursor.Start.With(scene.Origin, new Offset(5)), default);
        await scene.Store.CommitAsync(Reader, P0, Cursor.Start.With(scene.Origin, new Offset(3)).With(ny, new Offset(9)), default);
        Assert.Equal((5L, 9L), (scene.Store.Cursor(Reader, P0)[scene.Origin].Value, scene.Store.Cursor(Reader, P0)[ny].Value));
        Cursor rewound = new Cursor(new Generation(1, scene.Origin), Cursor.Start.Positions, []).With(ny, new Offset(2));
        await scene.Store.CommitAsync(Reader, P0, rewound, default);
        await scene.Store.CommitAsync(Reader, P0, Cursor.Start.With(ny, new Offset(50)), default);
        await scene.CrashAsync(new Random(1));
        Assert.Equal(rewound, scene.Store.Cursor(Reader, P0));
        Assert.Equal(Cursor.Start, scene.Store.Cursor(Reader, Part(1)));
    }

    [Fact]
    public async Task Commits_that_wait_together_become_one_entry_and_one_that_changes_nothing_none()
    {
        await using Scene scene = await OpenAsync();
        scene.Disk.FlushGate.Reset();
        int flushes = scene.Disk.FlushesBegun;
        Task first = scene.Store.AppendPlainAsync(P0, Plain("x"), default).AsTask();
        await ProduceTests.Until(() => scene.Disk.FlushesBegun > flushes);
        Task[] commits = [.. Enumerable.Range(1, 50).Select(i => scene.Store.CommitAsync(ConsumerName.Parse($"c{i % 10}"), P0,
            Cursor.Start.With(scene.Origin, new Offset(i)), default).AsTask())];
        scene.Disk.FlushGate.Set();
        await Task.WhenAll([first, .. commits]);
        Assert.Equal([EntryKind.Opened, EntryKind.Topics, EntryKind.Events, EntryKind.Cursors], (await scene.EntriesAsync()).Select(e
            => e.Kind));
        Assert.Equal(43, scene.Store.Cursor(ConsumerName.Parse("c3"), P0)[scene.Origin].Value);

        ContainerStatus before = scene.Store.Status();
        await scene.Store.CommitAsync(ConsumerName.Parse("c3"), P0, Cursor.Start.With(scene.Origin, new Offset(7)), default);
        Assert.Equal(before.Bytes, scene.Store.Status().Bytes);
    }

    [Fact]
    public async Task Plain_events_that_wait_together_share_a_batch_and_each_gets_its_own_offset()
    {
        await using Scene scene = await OpenAsync();
        scene.Disk.FlushGate.Reset();
        int flushes = scene.Disk.FlushesBegun;
        Task<EventPlace> first = scene.Store.AppendPlainAsync(P0, Plain("p0"), default).AsTask();
        await ProduceTests.Until(() => scene.Disk.FlushesBegun > flushes);
        Task<EventPlace>[] more = [.. Enumerable.Range(1, 40).Select(i => scene.Store.AppendPlainAsync(P0, Plain($"p{i}"),
            default).AsTask())];
        scene.Disk.FlushGate.Set();
        EventPlace[] places = await Task.WhenAll([first, .. more]);
        Assert.Equal(Enumerable.Range(0, 41).Select(i => new EventPlace(scene.Origin, new Offset(i))), places);
        Assert.Equal(Enumerable.Range(0, 41).Select(i => $"p{i}"), await scene.PayloadsAsync());
        Assert.Equal([1, 40], (await scene.EntriesAsync()).Where(e => e.Kind == EntryKind.Events).Select(e => e.EventCount));
    }

    [Fact]
    public async Task A_plain_event_over_a_limit_fails_alone()
    {
        await using Scene scene = await OpenAsync();
        Task<EventPlace> good = scene.Store.AppendPlainAsync(P0, Plain("a"), default).AsTask();
        Task<EventPlace> bad = scene.Store.AppendPlainAsync(P0, new PlainEvent("a/#"u8.ToArray(), default, default, default, 1),
            default).AsTask();
        Task<EventPlace> large = scene.Store.AppendPlainAsync(P0, new PlainEvent("a"u8.ToArray(), default, default, new byte[1 << 20], 1),
            default).AsTask();
        await Assert.ThrowsAsync<InvalidRequestException>(() => bad);
        Assert.Equal((0L, 1L), ((await good).Offset.Value, (await large).Offset.Value));
    }

    [Fact]
    public async Task Many_producers_at_once_get_offsets_without_gaps_and_keep_their_own_order()
    {
        await using Scene scene = await OpenAsync();
        const int Producers = 16;
        const int Batches = 30;
        await Task.WhenAll(Enumerable.Range(1, Producers).Select(car => Task.Run(async () =>
        {
            ProducerSession session = scene.Store.BeginProducer(Car(car));
            List<Task<ProduceResult>> sent = [];
            for (int i = 0; i < Batches; i++)
            {
                sent.Add(scene.SendAsync(session, Batch(Car(car), 1 + (i * 2), 2, after: i * 2)));
            }

            Assert.All(await Task.WhenAll(sent), r => Assert.Equal(ProduceRefusal.None, r.Refusal));
        })));
        List<string> payloads = await scene.PayloadsAsync();
        Assert.Equal(Producers * Batches * 2, payloads.Count);
        foreach (IGrouping<string, string> car in payloads.GroupBy(p => p.Split(':')[0]))
        {
            Assert.Equal(Enumerable.Range(1, Batches * 2).Select(s => $"{car.Key}:{s}"), car);
        }

        Assert.True(scene.Store.Status().Flushes < Producers * Batches);
    }

    [Fact]
    public async Task Callers_over_the_limit_wait_and_a_waiting_one_can_be_cancelled()
    {
        await using Scene scene = await OpenAsync(1, new ContainerOptions { PendingOperations = 2, AllocationBytes = 4 << 10 });
        scene.Disk.FlushGate.Reset();
        int flushes = scene.Disk.FlushesBegun;
        Task<EventPlace> first = scene.Store.AppendPlainAsync(P0, Plain("0"), default).AsTask();
        await ProduceTests.Until(() => scene.Disk.FlushesBegun > flushes);
        Task<EventPlace> second = scene.Store.AppendPlainAsync(P0, Plain("1"), default).AsTask();
        using CancellationTokenSource cancel = new();
        Task<EventPlace> third = scene.Store.AppendPlainAsync(P0, Plain("2"), cancel.Token).AsTask();
        Task<EventPlace> fourth = scene.Store.AppendPlainAsync(P0, Plain("3"), cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => third);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fourth);
        Task<EventPlace> fifth = scene.Store.AppendPlainAsync(P0, Plain("4"), default).AsTask();
        scene.Disk.FlushGate.Set();
        await Task.WhenAll(first, second, fifth);
        Assert.Equal(["0", "1", "4"], await scene.PayloadsAsync());
    }

    [Fact]
    public async Task Thousands_of_small_lanes_are_found_again()
    {
        await using Scene scene = await OpenAsync(1, new ContainerOptions { SegmentBytes = 256 << 10, AllocationBytes = 64 << 10 });
        List<Task> appends = [];
        for (int s = 0; s < 1000; s++)
        {
            for (int p = 0; p < 3; p++)
            {
                StreamPartition partition = new(StreamPath.Parse($"/s/{s}"), new PartitionId(p));
                appends.Add(scene.Store.AppendPlainAsync(partition, Plain($"{s}.{p}"), default).AsTask());
            }
        }

        await Task.WhenAll(appends);
        await scene.CrashAsync(new Random(2));
        Assert.Equal(3000, scene.Store.Lanes().Count);
        Assert.Equal(1000, scene.Store.Streams.Count);
        Assert.True(scene.Store.Status().Segments > 2);
        for (int s = 0; s < 1000; s += 37)
        {
            LaneId lane = new(new StreamPartition(StreamPath.Parse($"/s/{s}"), new PartitionId(2)), scene.Origin);
            Assert.Equal([$"{s}.2"], await scene.PayloadsAsync(lane));
        }
    }

    [Fact]
    public async Task Topics_stand_in_the_lane_before_their_first_event_and_are_written_once()
    {
        await using Scene scene = await OpenAsync();
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        await scene.SendAsync(session, Batch(Car(1), 1, 2, topic: "a"));
        await scene.SendAsync(session, Batch(Car(1), 3, 2, after: 2, topic: "b"));
        await scene.SendAsync(session, Batch(Car(1), 5, 2, after: 4, topic: "a"));
        Assert.Equal([EntryKind.Opened, EntryKind.Topics, EntryKind.Events, EntryKind.Topics, EntryKind.Events, EntryKind.Events],
            (await scene.EntriesAsync()).Select(e => e.Kind));
        await scene.CrashAsync(new Random(1));
        Assert.Equal(["a", "b"], scene.Store.Topics(Fleet, 10).Select(t => t.Topic.Value).Order(StringComparer.Ordinal));
        Assert.Equal(2, scene.Store.TopicCount(Fleet));
        Assert.Single(scene.Store.Topics(Fleet, 1));
    }

    [Fact]
    public async Task Settings_join_to_the_greater_number_and_a_stream_known_by_lanes_has_the_default_or_more()
    {
        await using Scene scene = await OpenAsync();
        StreamPath other = StreamPath.Parse("/other");
        Assert.Null(scene.Store.Settings(other));
        Assert.Equal(4, (await scene.Store.EnsureStreamAsync(other, default)).Partitions);
        await scene.Store.SetRegisterAsync(other, StreamSettings.RegisterKey, new StreamSettings(9).Write(), default);
        await scene.Store.SetRegisterAsync(other, StreamSettings.RegisterKey, new StreamSettings(2).Write(), default);
        Assert.Equal(9, scene.Store.Settings(other)!.Partitions);
        await scene.Store.AppendPlainAsync(Part(6), Plain("x"), default);
        Assert.Equal(7, scene.Store.Settings(Fleet)!.Partitions);
        Assert.Equal([Fleet, other], scene.Store.Streams);
        await Assert.ThrowsAsync<InvalidRequestException>(async () => await scene.Store.SetRegisterAsync(other, StreamSettings.RegisterKey,
            new byte[] { 9 }, default));
    }

    [Fact]
    public async Task Settings_that_nobody_chose_never_win_over_chosen_ones()
    {
        await using Scene scene = await OpenAsync();
        StreamSettings chosen = new(2) { RetentionAge = TimeSpan.FromDays(7) };
        RegisterFact elsewhere = new(StreamSettings.RegisterKey, new HybridTimestamp(1, ClusterName.Parse("b")), chosen.Write());
        await scene.Store.EnsureStreamAsync(Fleet, default);
        await scene.Store.JoinAsync([new StateItem(StateKind.Register, new StreamPartition(Fleet, default),
            RegisterFacts.Write([elsewhere]))], default);
        Assert.Equal(chosen with { Partitions = StreamSettings.DefaultPartitions }, scene.Store.Settings(Fleet));
    }

    [Fact]
    public async Task Registers_are_listed_by_prefix_and_removed_ones_stay_with_an_empty_value()
    {
        await using Scene scene = await OpenAsync();
        await scene.Store.SetRegisterAsync(Fleet, "session/b", "1"u8.ToArray(), default);
        await scene.Store.SetRegisterAsync(Fleet, "session/a", "2"u8.ToArray(), default);
        await scene.Store.SetRegisterAsync(Fleet, "sessions", "3"u8.ToArray(), default);
        await scene.Store.SetRegisterAsync(Fleet, "session/b", default, default);
        await scene.CrashAsync(null);
        Assert.Equal([("session/a", "2"), ("session/b", "")],
            scene.Store.Registers(Fleet, "session/").Select(r => (r.Key, Encoding.UTF8.GetString(r.Value.Span))));
        Assert.Null(scene.Store.Register(Fleet, "session/c"));
    }

    [Fact]
    public async Task Registers_are_paged_each_once_whatever_is_written_meanwhile()
    {
        await using Scene scene = await OpenAsync();
        for (int i = 0; i < 5; i++)
        {
            await scene.Store.SetRegisterAsync(Fleet, $"key/{9 - i}", new byte[] { (byte)i }, default);
        }

        RegisterPage first = scene.Store.Registers(Fleet, 0, 3);
        await scene.Store.SetRegisterAsync(Fleet, "key/0", "new"u8.ToArray(), default);
        await scene.Store.SetRegisterAsync(Fleet, first.Facts[0].Key, "again"u8.ToArray(), default);
        await scene.Store.SetRegisterAsync(Fleet, "key/5", default, default);
        List<RegisterFact> all = [.. first.Facts];
        for (RegisterPage page = scene.Store.Registers(Fleet, first.Next, 3); page.Facts.Count > 0;
            page = scene.Store.Registers(Fleet, page.Next, 3))
        {
            Assert.InRange(page.Facts.Count, 1, 3);
            all.AddRange(page.Facts);
        }

        Assert.Equal(["key/9", "key/8", "key/7", "key/6", "key/5", "key/0"],
            all.Select(static f => f.Key).Where(static k => k.StartsWith("key/", StringComparison.Ordinal)));
        Assert.Empty(all.Single(static f => f.Key == "key/5").Value.ToArray());
        Assert.Empty(scene.Store.Registers(StreamPath.Parse("/nowhere"), 0, 3).Facts);
    }

    [Fact]
    public async Task A_register_that_is_replaced_as_it_was_known_loses_to_what_was_written_since()
    {
        await using Scene scene = await OpenAsync();
        await scene.Store.SetRegisterAsync(Fleet, "key", "1"u8.ToArray(), default);
        RegisterFact known = scene.Store.Register(Fleet, "key")!.Value;
        await scene.Store.SetRegisterAsync(Fleet, "key", "2"u8.ToArray(), default);
        await scene.Store.ReplaceRegisterAsync(Fleet, known, default, default);
        RegisterFact newer = scene.Store.Register(Fleet, "key")!.Value;
        Assert.Equal("2", Encoding.UTF8.GetString(newer.Value.Span));
        await scene.Store.ReplaceRegisterAsync(Fleet, newer, "3"u8.ToArray(), default);
        Assert.Equal("3", Encoding.UTF8.GetString(scene.Store.Register(Fleet, "key")!.Value.Value.Span));
        await scene.Store.SetRegisterAsync(Fleet, "key", "4"u8.ToArray(), default);
        await scene.CrashAsync(null);
        Assert.Equal("4", Encoding.UTF8.GetString(scene.Store.Register(Fleet, "key")!.Value.Value.Span));
        await Assert.ThrowsAsync<InvalidRequestException>(async () =>
            await scene.Store.ReplaceRegisterAsync(Fleet, newer, new byte[RegisterFact.MaxValueBytes + 1], default));
    }

    [Fact]
    public async Task Watches_are_called_after_the_flush_and_no_longer_when_disposed()
    {
        await using Scene scene = await OpenAsync();
        int fleet = 0, other = 0, all = 0;
        using IDisposable a = scene.Store.Watch(Fleet, () => Interlocked.Increment(ref fleet));
        using IDisposable b = scene.Store.Watch(StreamPath.Parse("/other"), () => Interlocked.Increment(ref other));
        IDisposable c = scene.Store.Watch(() => Interlocked.Increment(ref all));
        using IDisposable broken = scene.Store.Watch(Fleet, () => throw new InvalidOperationException("a watcher's own fault"));
        await scene.Store.AppendPlainAsync(P0, Plain("x"), default);
        await ProduceTests.Until(() => Volatile.Read(ref all) == 1);
        c.Dispose();
        await scene.Store.AppendPlainAsync(P0, Plain("y"), default);
        await ProduceTests.Until(() => Volatile.Read(ref fleet) == 2);
        Assert.Equal((0, 1), (other, all));
    }

    [Fact]
    public async Task A_lane_is_a_chain_of_partitionlets_bounded_by_size()
    {
        await using Scene scene = await OpenAsync(1, new ContainerOptions { PartitionletBytes = 4 << 10, AllocationBytes = 4 << 10 });
        for (int i = 0; i < 40; i++)
        {
            await scene.Store.AppendPlainAsync(P0, Plain(new string('x', 500)), default);
        }

        await scene.CrashAsync(new Random(4));
        IReadOnlyList<PartitionletStatus> chain = scene.Store.Chain(scene.Own);
        Assert.True(chain.Count > 3);
        Assert.Equal(0, chain[0].FirstEntry.Value);
        Assert.All(chain.Zip(chain.Skip(1)), pair => Assert.Equal(pair.First.NextOffset, pair.Second.FirstOffset));
        Assert.Equal(40, chain[^1].NextOffset.Value);
        Assert.Equal([.. Enumerable.Repeat(true, chain.Count - 1), false], chain.Select(c => c.Sealed));
        Assert.All(chain, c => Assert.InRange(c.Bytes, 0, 6 << 10));
    }

    [Fact]
    public async Task Reading_by_offset_begins_with_the_entry_that_holds_it_and_keeps_to_the_bound()
    {
        await using Scene scene = await OpenAsync();
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        for (int i = 0; i < 20; i++)
        {
            await scene.SendAsync(session, Batch(Car(1), 1 + (i * 5), 5, after: i * 5));
        }

        using LaneSlice one = await scene.Store.ReadAsync(scene.Own, new Offset(17), 1, default);
        Assert.Equal(15, Assert.Single(one.Entries).BaseOffset.Value);
        using LaneSlice some = await scene.Store.ReadAsync(scene.Own, new Offset(17), 1000, default);
        Assert.InRange(some.Entries.Count, 2, 8);
        using LaneSlice end = await scene.Store.ReadAsync(scene.Own, new Offset(100), 1000, default);
        Assert.Empty(end.Entries);
    }

    [Fact]
    public void A_flush_that_the_system_refuses_is_an_exception()
    {
        string path = Path.GetTempFileName();
        SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        StableStorage.Flush(file, "a good file");
        file.Dispose();
        Assert.Throws<StorageFailedException>(() => StableStorage.Flush(file, "a closed file"));
        using SafeFileHandle invalid = new(new nint(987_654), ownsHandle: false);
        Assert.Contains("invalid", Assert.Throws<StorageFailedException>(() => StableStorage.Flush(invalid, "invalid")).Message);
        Assert.Throws<StorageFailedException>(() => StableStorage.FlushDirectory(path + ".no-such-folder"));
        File.Delete(path);
    }

    [Fact]
    public void All_faults_of_the_options_are_told_together()
    {
        ConfigurationException refused = Assert.Throws<ConfigurationException>(
            () => new ContainerOptions { SegmentBytes = 1, GroupOperations = 0 }.Validate());
        Assert.Equal(3, refused.Message.Split('\n').Length);
    }

    private static PlainEvent Plain(string payload) => new("t"u8.ToArray(), default, default, Encoding.UTF8.GetBytes(payload), 1);
}
