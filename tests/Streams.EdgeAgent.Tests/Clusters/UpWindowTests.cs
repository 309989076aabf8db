using System.Text;
using Streams.Client;
using Streams.Core;
using Streams.Gateways;
using Streams.Testing;

namespace Streams.EdgeAgent.Tests;

/// <summary>What of the store is in memory to go up.</summary>
public sealed class UpWindowTests : StoreScene
{
    private LocalStore Local => (LocalStore)Store;

    [Fact]
    public async Task Batches_of_one_client_are_put_together_and_those_of_others_left_out()
    {
        for (int i = 0; i < 4; i++)
        {
            await AppendAsync($"a{i}", client: "a");
            await AppendAsync($"b{i}", client: "b");
        }

        UpWindow window = new(Local);
        List<UpEntry> entries = Loaded(window);
        Assert.Equal([1, 1, 2, 2, 3, 3, 4, 4], entries.Select(e => (int)e.Header.FirstSequence));
        EventIdentity second = entries[2].Header.Identity(0);
        Assert.Equal(4, window.Read(P0, second, 100, 1 << 16, out AfterVector after, out bool twins, out _));
        Assert.Equal((0, true), (after.Count, twins));                  // what was there when it opened may have been sent
        Assert.Equal(["a1", "a2", "a3"], Written(window, second));
        Assert.Equal(3, window.Read(P0, second, 3, 1 << 16, out _, out _, out _));
        Assert.Equal(["a1", "a2"], Written(window, second));
        Assert.Equal(2, window.Read(P0, second, 100, 90, out _, out _, out _));
        Assert.Equal(["a1"], Written(window, second));
        Assert.Equal(["a2"], Payloads(window.Copy(second.Producer, P0, 3, 3)!));
        Assert.Equal(8, window.Waiting);
    }

    [Fact]
    public async Task A_lane_has_gone_up_as_far_as_all_before_is_done_and_that_is_kept()
    {
        for (int i = 0; i < 3; i++)
        {
            await AppendAsync($"a{i}", client: "a");
            await AppendAsync($"b{i}", client: "b");
        }

        UpWindow window = new(Local);
        List<UpEntry> entries = Loaded(window);
        Done(window, entries[1]);
        Done(window, entries[3]);
        Assert.Empty(window.TakeMoved());
        Done(window, entries[0]);
        Assert.Equal([(Own, 2L)], window.TakeMoved());
        Done(window, entries[2]);
        IReadOnlyList<(LaneId, long)> moved = window.TakeMoved();
        Assert.Equal([(Own, 4L)], moved);
        EventPlace place = new(new Origin(ClusterName.Parse("sj"), new Incarnation(1)), new Offset(7));
        await Local.RunAsync(new UpOperation(moved, [], [(entries[0].Header.Producer, P0, [place])]) { Cost = 1 }, default);
        Assert.Equal(2, window.Waiting);
        await ReopenAsync();
        List<UpEntry> left = Loaded(new UpWindow(Local));
        Assert.Equal(entries.Skip(4).Select(e => e.Header.Run), left.Select(e => e.Header.Run));
        Assert.All(left, e => Assert.True(e.WasTried));
        Assert.Equal([place], Local.Stand(entries[0].Header.Producer, P0));
        Assert.Empty(Local.Stand(entries[1].Header.Producer, P0));
    }

    [Fact]
    public async Task However_much_waits_only_a_part_of_it_is_in_memory()
    {
        string text = new('x', 30_000);
        for (int i = 0; i < 4; i++)
        {
            await Task.WhenAll(Enumerable.Range(0, 100).Select(n => AppendAsync(text, client: $"{n % 10}", partition: Part(n % 3))));
        }

        UpWindow window = new(Local);
        int taken = 0;
        HashSet<(SequenceRun, LaneId)> seen = [];
        for (List<UpEntry> entries = Loaded(window); entries.Count > 0; entries = Loaded(window))
        {
            Assert.InRange(entries.Sum(e => e.Bytes), 1, 9 << 20);
            foreach (UpEntry entry in entries)
            {
                taken += entry.Header.Count;
                Assert.True(seen.Add((entry.Header.Run, entry.Lane!.Lane)));
                Done(window, entry);
            }
        }

        Assert.Equal(400, taken);
        Assert.Equal(400, window.TakeMoved().Sum(m => m.Sent));
    }

    [Fact]
    public async Task Sequences_that_stand_twice_in_a_lane_go_up_once()
    {
        ProducerSession one = Store.BeginProducer(Car(1));
        await SendAsync(one, Batch(Car(1), 1, 3));
        ProducerSession two = Store.BeginProducer(Car(1));
        await SendAsync(two, Batch(Car(1), 2, 4, twins: true));         // held in part: appended whole
        await SendAsync(two, Batch(Car(1), 6, 1, after: 5));
        UpWindow window = new(Local);
        List<UpEntry> entries = Loaded(window);
        Assert.Equal(6, window.Read(P0, entries[0].Header.Identity(0), 100, 1 << 16, out _, out bool twins, out _));
        Assert.True(twins);
        Assert.Equal(["1:1", "1:2", "1:3", "1:4", "1:5", "1:6"], Written(window, entries[0].Header.Identity(0)));
        window.Done(Car(1), P0, 1, 6);
        Assert.Equal([(Own, 8L)], window.TakeMoved());
    }

    [Fact]
    public async Task What_a_device_sends_again_under_old_sequences_after_it_was_put_back_is_told_apart()
    {
        await SendAsync(Store.BeginProducer(Car(1)), Batch(Car(1), 1, 3));
        await SendAsync(Store.BeginProducer(Car(1)), Batch(Car(1), 2, 2, epoch: 8));
        await SendAsync(Store.BeginProducer(Car(1)), Batch(Car(1), 4, 1, epoch: 8));
        UpWindow window = new(Local);
        List<UpEntry> entries = Loaded(window);
        Assert.Equal([false, true, false], entries.Select(e => e.IsPutBack));
        window.Done(Car(1), P0, 1, 3);
        Assert.Equal([(Own, 3L)], window.TakeMoved());
        window.LeaveOut(entries[1]);
        window.Done(Car(1), P0, 4, 4);
        Assert.Equal([(Own, 6L)], window.TakeMoved());
    }

    [Fact]
    public async Task What_waits_to_go_up_stays_whatever_the_settings_of_its_stream_say()
    {
        await Store.SetRegisterAsync(Fleet, StreamSettings.RegisterKey,
            new StreamSettings(4) { RetentionAge = TimeSpan.FromHours(1) }.Write(), default);
        for (int i = 0; i < 4; i++)
        {
            await AppendAsync($"{i}");
        }

        await Local.RunAsync(new UpOperation([(Own, 2)], [], []) { Cost = 1 }, default);
        Time.Advance(TimeSpan.FromHours(2));
        await Eventually.EqualAsync(2L, FirstAfterTheNextLook, "what has gone up goes");
        Time.Advance(TimeSpan.FromHours(2));
        await AppendAsync("more");
        Assert.Equal(["2", "3", "more"], await PayloadsAsync());
    }

    internal override Task<(IEventStore Store, IAsyncDisposable Open)> OpenAsync(string folder)
    {
        LocalStoreOptions options = new(Path.Combine(folder, "agent.db"), ClusterName.Parse("line-4")) { GoesUp = static s => s == Fleet };
        LocalStore store = LocalStore.Open(options, Time, new Random(), new CollectingLogger());
        return Task.FromResult<(IEventStore, IAsyncDisposable)>((store, store));
    }

    private static List<UpEntry> Loaded(UpWindow window)
    {
        List<UpEntry> entries = [];
        window.Load(entries);
        return entries;
    }

    private static void Done(UpWindow window, UpEntry entry)
    {
        SequenceRun run = entry.Header.Run;
        window.Done(run.Producer, entry.Partition, run.First, run.Last);
    }

    private static string[] Written(UpWindow window, EventIdentity first)
    {
        System.Buffers.ArrayBufferWriter<byte> output = new();
        window.Write(first, default, mayHaveTwins: false, BatchCompression.None, output);
        EventBatch batch = EventBatch.Parse(output.WrittenMemory);
        Assert.Equal(first, batch.Header.Identity(0));
        return Payloads(batch);
    }

    private static string[] Payloads(EventBatch batch)
    {
        List<string> payloads = [];
        foreach (EventView view in batch.Events)
        {
            payloads.Add(Encoding.UTF8.GetString(view.Payload.Span));
        }

        return [.. payloads];
    }
}
