using Streams.Core;
using Streams.Testing;
using static Streams.Storage.Tests.MarkScene;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>An event is appended and marked in one group, by a writer that looks at the mark itself.</summary>
public sealed class AppendOnceTests
{
    [Fact]
    public async Task What_is_marked_is_not_appended_again_until_the_mark_goes()
    {
        await using Scene scene = await OpenAsync();
        Assert.Equal(0, (await scene.OnceAsync("a", Number(7)))!.Value.Offset.Value);
        Assert.Null(await scene.OnceAsync("again", Number(7)));
        Assert.Equal([7], scene.Marked());
        Assert.True(await scene.ClearAsync(Number(7)));
        Assert.Empty(scene.Marked());
        Assert.False(await scene.ClearAsync(Number(7)));
        Assert.Equal(1, (await scene.OnceAsync("b", Number(7)))!.Value.Offset.Value);
        Assert.Equal(["a", "b"], await scene.PayloadsAsync());
    }

    [Fact]
    public async Task Of_calls_that_race_for_one_number_one_appends()
    {
        await using Scene scene = await OpenAsync();
        Task<EventPlace?>[] calls = [.. Enumerable.Range(0, 200).Select(i => scene.OnceAsync("x", Number(1 + (i % 10))))];
        EventPlace?[] places = await Task.WhenAll(calls);
        Assert.Equal(10, places.Count(p => p is not null));
        Assert.Equal(10, (await scene.PayloadsAsync()).Count);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], scene.Marked());
    }

    [Fact]
    public async Task A_hundred_marks_of_one_group_are_one_register_entry()
    {
        await using Scene scene = await OpenAsync();
        await scene.OnceAsync("first", Number(1));
        scene.Disk.FlushGate.Reset();
        int begun = scene.Disk.FlushesBegun;
        Task first = scene.OnceAsync("second", Number(2));
        await Eventually.TrueAsync(() => scene.Disk.FlushesBegun > begun, "the flush is under way");
        Task[] more = [.. Enumerable.Range(3, 98).Select(n => (Task)scene.OnceAsync("x", Number(n)))];
        scene.Disk.FlushGate.Set();
        await Task.WhenAll([first, .. more]);
        List<LaneEntry> entries = await scene.EntriesAsync(new LaneId(new StreamPartition(Sessions, default), scene.Origin));
        List<LaneEntry> registers = [.. entries.Where(e => e.Kind == EntryKind.Registers)];
        Assert.InRange(registers.Count, 3, 4);
        Assert.InRange(registers[^1].Body.Length, 100, 200);
        Assert.Equal(100, scene.Marked().Length);
    }

    [Fact]
    public async Task Marks_of_another_owner_do_not_count_and_are_gone_with_the_first_of_the_new_one()
    {
        await using Scene scene = await OpenAsync();
        await scene.OnceAsync("a", Number(1, owner: 1));
        Assert.NotNull(await scene.OnceAsync("b", Number(1, owner: 2)));
        Assert.False(await scene.ClearAsync(Number(1, owner: 1)));
        Assert.Equal([1], scene.Marked(owner: 2));
        Assert.Empty(scene.Marked(owner: 1));
        Assert.Equal(["a", "b"], await scene.PayloadsAsync());
    }

    [Fact]
    public async Task A_message_that_is_certainly_new_is_appended_though_an_old_mark_is_there()
    {
        await using Scene scene = await OpenAsync();
        await scene.OnceAsync("old", Number(1));
        Assert.NotNull(await scene.OnceAsync("new", Number(1), isNew: true));
        Assert.Null(await scene.OnceAsync("again", Number(1)));
        Assert.Equal(["old", "new"], await scene.PayloadsAsync());
    }

    [Fact]
    public async Task What_is_refused_is_neither_appended_nor_marked()
    {
        await using Scene scene = await OpenAsync();
        await scene.OnceAsync("a", Number(1, max: 2));
        await scene.OnceAsync("b", Number(2, max: 2));
        await Assert.ThrowsAsync<InvalidRequestException>(() => scene.OnceAsync("c", Number(3, max: 2)));
        PlainEvent tooLong = Event(string.Empty) with { Payload = new byte[EventLimits.MaxBatchBytes] };
        await Assert.ThrowsAsync<InvalidRequestException>(
            async () => await scene.Store.AppendOnceAsync(P0, tooLong, Number(9), false, default));
        await Assert.ThrowsAsync<InvalidRequestException>(() => scene.OnceAsync("d", Number(0)));
        Assert.Equal([1, 2], scene.Marked());
        Assert.Equal(["a", "b"], await scene.PayloadsAsync());
    }

    [Fact]
    public async Task What_a_full_disk_refuses_is_not_marked_and_can_be_sent_again()
    {
        await using Scene scene = FaultyScene.Make(3);
        await scene.OpenStoreAsync();
        await scene.OnceAsync("a", Number(1));
        scene.Disk.Fault = new DiskFault(DiskFaultKind.NoRoom, 0, int.MaxValue, Variant: 2);
        await Assert.ThrowsAsync<TryAgainException>(() => scene.OnceAsync("b", Number(2)));
        Assert.Equal([1], scene.Marked());
        scene.Disk.Fault = null;
        await scene.WritingAsync();
        Assert.NotNull(await scene.OnceAsync("b", Number(2)));
        Assert.Equal(["a", "b"], await scene.PayloadsAsync());
        await scene.CrashAsync(new Random(4));
        Assert.Equal([1, 2], scene.Marked());
    }

    [Fact]
    public async Task It_is_flushed_also_where_the_stream_asks_for_no_flush()
    {
        await using Scene scene = await OpenAsync();
        byte[] settings = (StreamSettings.Default with { Durability = Durability.Written }).Write();
        await scene.Store.SetRegisterAsync(Fleet, StreamSettings.RegisterKey, settings, default);
        await scene.OnceAsync("a", Number(1));
        await scene.CrashAsync(new Random(1));
        Assert.Equal(["a"], await scene.PayloadsAsync());
        Assert.Equal([1], scene.Marked());
    }

    [Fact]
    public void A_set_reads_back_as_it_was_written_and_whatever_else_is_no_set()
    {
        ProducerId owner = new(5);
        MarkedNumbers numbers = new(owner);
        for (int i = 0; i < MarkedNumbers.MaxCount; i++)
        {
            numbers.Add(1 + (i * 4 % MarkedNumbers.MaxNumber));
        }

        byte[] bytes = numbers.Write();
        Assert.True(bytes.Length <= RegisterFact.MaxValueBytes);
        Assert.Equal(numbers.Numbers.ToArray(), MarkedNumbers.Of(owner, bytes).Numbers.ToArray());
        Assert.Equal(0, MarkedNumbers.Of(new ProducerId(6), bytes).Count);
        Assert.Equal(0, MarkedNumbers.Of(owner, bytes.AsMemory(0, bytes.Length - 1)).Count);
        Assert.Equal(0, MarkedNumbers.Of(owner, (byte[])[2, .. bytes[1..]]).Count);
        Assert.Empty(new MarkedNumbers(owner).Write());
        byte[] farApart = new MarkedNumbers(owner) is var far && far.Add(1) && far.Add(MarkedNumbers.MaxNumber) ? far.Write() : [];
        Assert.Equal([1, MarkedNumbers.MaxNumber], MarkedNumbers.Of(owner, farApart).Numbers.ToArray().Select(n => (int)n));
    }
}
