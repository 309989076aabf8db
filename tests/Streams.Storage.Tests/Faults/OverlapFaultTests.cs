using System.Text;
using Streams.Core;
using Streams.Testing;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>The disk refuses a group while the next one is staged behind it.</summary>
public sealed class OverlapFaultTests
{
    private static readonly ConsumerName Reader = ConsumerName.Parse("reader");
    private static readonly StreamPartition Other = new(StreamPath.Parse("/other"), default);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Of_a_refused_flush_nobody_knows_and_the_group_staged_behind_it_is_staged_anew(int variant)
    {
        await using Scene scene = await HeldAsync();
        Refuse(scene, 3, variant);
        Task<EventPlace> first = AppendAsync(scene, "a");
        Task<EventPlace> second = AppendAsync(scene, "b");
        await LetGoAsync(scene);
        StorageFailedException unknown = await Assert.ThrowsAsync<StorageFailedException>(() => first);
        Assert.Contains("flush", unknown.Message);

        // In place of the refused one, whose offset was told to nobody.
        Assert.Equal(1, (await second).Offset.Value);
        Assert.Equal(2, (await AppendAsync(scene, "c")).Offset.Value);
        Assert.Equal(1, scene.Overlapped);
        Assert.Equal(["0", "b", "c"], await scene.PayloadsAsync());
        await scene.CrashAsync(new Random(variant));
        Assert.Equal(["0", "b", "c"], await scene.PayloadsAsync());
        Assert.Empty(scene.Store.Recovery.Unreadable);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_batch_of_a_session_that_was_staged_behind_a_refused_group_is_refused_for_certain(int step)
    {
        await using Scene scene = await HeldAsync();
        Refuse(scene, step);
        Task<EventPlace> first = AppendAsync(scene, "a");
        Task<ProduceResult> second = scene.SendAsync(scene.Store.BeginProducer(Car(1)), Batch(Car(1), 1, 2, topic: "new"));
        await LetGoAsync(scene);
        await Assert.ThrowsAsync<StorageFailedException>(() => first);
        Assert.Equal(ProduceRefusal.OlderSession, (await second).Refusal);
        Assert.Equal(1, scene.Overlapped);
        Assert.Empty(scene.Store.Held(Car(1), P0, 0));
        Assert.DoesNotContain(scene.Store.Topics(Fleet, 10), t => t.Topic.ToString() == "new");
        ProduceResult again = await scene.SendAsync(scene.Store.BeginProducer(Car(1)), Batch(Car(1), 1, 2, topic: "new"));
        Assert.Equal(1, again.Placed[0].FirstOffset.Value);
        Assert.Equal(["0", "1:1", "1:2"], await scene.PayloadsAsync());
    }

    [Fact]
    public async Task When_the_second_finds_no_room_the_first_is_there_and_the_second_is_refused_for_certain()
    {
        await using Scene scene = await HeldAsync();
        scene.Disk.Fault = new DiskFault(DiskFaultKind.NoRoom, scene.Disk.Steps + 4, int.MaxValue);
        Task<EventPlace> first = AppendAsync(scene, "a");
        Task<ProduceResult> second = scene.SendAsync(scene.Store.BeginProducer(Car(1)), Batch(Car(1), 1, 1));
        Task<EventPlace> third = AppendAsync(scene, "c");
        await LetGoAsync(scene);
        Assert.Equal(1, (await first).Offset.Value);
        Assert.Equal(ProduceRefusal.NotWriting, (await second).Refusal);
        await Assert.ThrowsAsync<TryAgainException>(() => third);
        Assert.Equal(2, scene.Overlapped);
        Assert.Equal(WritePhase.Full, scene.Store.Status().Phase);
        Assert.Equal(["0", "a"], await scene.PayloadsAsync());
        scene.Disk.Fault = null;
        await scene.WritingAsync();
        Assert.Equal(2, (await AppendAsync(scene, "d")).Offset.Value);
        await scene.CrashAsync(new Random(1));
        Assert.Equal(["0", "a", "d"], await scene.PayloadsAsync());
    }

    [Fact]
    public async Task What_was_written_and_answered_before_a_group_in_flight_that_finds_no_room_is_kept_and_made_visible()
    {
        await using Scene scene = await OpenAsync();
        await scene.Store.SetRegisterAsync(Fleet, StreamSettings.RegisterKey,
            (StreamSettings.Default with { Durability = Durability.Written }).Write(), default);
        await HoldAsync(scene);
        scene.Disk.Fault = new DiskFault(DiskFaultKind.NoRoom, scene.Disk.Steps + 3, int.MaxValue);
        Task<EventPlace> written = AppendAsync(scene, "written");
        Task<EventPlace> flight = AppendAsync(scene, "x", Other);
        Task<EventPlace> behind = AppendAsync(scene, "y");
        await LetGoAsync(scene);
        Assert.Equal(1, (await written).Offset.Value);
        await Assert.ThrowsAsync<TryAgainException>(() => flight);
        await Assert.ThrowsAsync<TryAgainException>(() => behind);
        Assert.Equal(1, scene.Overlapped);
        Assert.Equal(["0", "written"], await scene.PayloadsAsync());
        Assert.Equal(0, scene.Store.Status().UnflushedBytes);

        scene.Disk.Fault = null;
        await scene.WritingAsync();
        Assert.Equal(1, (await AppendAsync(scene, "z", Other)).Offset.Value);
        await scene.CrashAsync(new Random(2));
        Assert.Equal(["0", "written"], await scene.PayloadsAsync());
        Assert.Equal(["held", "z"], await scene.PayloadsAsync(new LaneId(Other, scene.Origin)));
    }

    [Fact]
    public async Task Retention_that_comes_behind_a_refused_flush_looks_at_what_is_really_there()
    {
        await using Scene scene = await HeldAsync();
        Refuse(scene, 3);
        Task<EventPlace> first = AppendAsync(scene, "a");
        Task<EntryNumber> trimmed = scene.Store.TrimAsync(scene.Own, new EntryNumber(100), default).AsTask();
        Task<EventPlace> last = AppendAsync(scene, "b");
        await LetGoAsync(scene);
        await Assert.ThrowsAsync<StorageFailedException>(() => first);
        EntryNumber begin = await trimmed;
        Assert.Equal(1, (await last).Offset.Value);
        Assert.Equal(0, scene.Overlapped);
        LaneStatus lane = scene.Store.Lane(scene.Own)!.Value;
        Assert.Equal(begin, lane.FirstEntry);
        Assert.Equal(1, lane.FirstOffset.Value);
        Assert.Equal([1L], (await scene.EventsAsync()).Keys);
    }

    [Fact]
    public void Taking_back_a_group_in_flight_forgets_what_is_staged_behind_it_and_keeps_what_was_written_before_it()
    {
        ContainerState state = new();
        SessionTable sessions = new(1);
        Stager stager = new(state, sessions, new ManualTime(), new Random(1), new ContainerOptions());
        stager.Begin(64, 0, 1);
        stager.SetOrigin(Sj(1));
        stager.Publish();
        stager.Begin(1000, 0, 2);
        Produce(stager, sessions.Begin(Car(1)), P0, 2);              // written, not flushed
        stager.Begin(stager.Open.Buffer.NextPosition, 0, 2);
        Produce(stager, sessions.Begin(Car(2)), P0, 3);
        Produce(stager, sessions.Begin(Car(2)), Other, 3);
        stager.Commit(Reader, P0, Cursor.Start.With(Sj(1), new Offset(2)));
        stager.Finish();
        StagedGroup flight = stager.Detach();
        stager.Begin(flight.Buffer.NextPosition, 0, 3);
        Produce(stager, sessions.Begin(Car(3)), Other, 4);
        stager.Finish();

        stager.TakeBack();
        Assert.True(stager.IsStaged);
        Assert.Same(flight, stager.Publish());
        LaneState lane = state.Lanes.Find(new LaneId(P0, Sj(1)))!;
        Assert.Equal(2, lane.NextOffset);
        Assert.Null(lane.StagedIn);
        Assert.Null(state.Lanes.Find(new LaneId(Other, Sj(1))));
        Assert.Equal(Cursor.Start, state.Cursors.Get(Reader, P0));

        // What comes next goes on from there, and declares the lane that was not kept.
        stager.Begin(5000, 0, 3);
        Assert.Equal(0, Produce(stager, sessions.Begin(Car(3)), Other, 1).Placed[0].FirstOffset.Value);
        Assert.Equal(2, Produce(stager, sessions.Begin(Car(2)), P0, 1).Placed[0].FirstOffset.Value);
        Assert.Equal(RecordKind.LaneDeclared, stager.Open.Records[0].Kind);
        stager.Publish();
        Assert.Equal(lane.Number + 1, state.Lanes.Find(new LaneId(Other, Sj(1)))!.Number);
    }

    private static async Task<Scene> OpenAsync()
    {
        Scene scene = FaultyScene.Make(1);
        scene.Options = scene.Options with { SegmentBytes = 1 << 20, AllocationBytes = 64 << 10, GroupOperations = 1 };
        await scene.OpenStoreAsync();
        await AppendAsync(scene, "0");
        return scene;
    }

    private static async Task<Scene> HeldAsync()
    {
        Scene scene = await OpenAsync();
        await HoldAsync(scene);
        return scene;
    }

    // Holds the writer in a flush of its own: what comes now waits, so that each group flies while the next is staged. The held flush is
    // the next step of the disk; then come the write and the flush of each group.
    private static async Task HoldAsync(Scene scene)
    {
        int begun = scene.Disk.FlushesBegun;
        scene.Disk.FlushGate.Reset();
        _ = AppendAsync(scene, "held", Other);
        await Eventually.TrueAsync(() => scene.Disk.FlushesBegun > begun, "the writer flushes");
    }

    private static void Refuse(Scene scene, int step, int variant = 0) =>
        scene.Disk.Fault = new DiskFault(DiskFaultKind.Refused, scene.Disk.Steps + step, 1, variant);

    private static Task LetGoAsync(Scene scene)
    {
        scene.Disk.FlushGate.Set();
        return Eventually.TrueAsync(() => scene.Disk.FaultsMet > 0, "the disk refuses");
    }

    private static ProduceResult Produce(Stager stager, ProducerSession session, StreamPartition partition, int count)
    {
        EventBatch batch = Batch(session.Producer, 1, count);
        return stager.Produce(session, partition, AfterVector.Empty, batch, BatchTopics.Of(batch));
    }

    private static Task<EventPlace> AppendAsync(Scene scene, string payload, StreamPartition? partition = null) =>
        scene.Store.AppendPlainAsync(partition ?? P0,
            new PlainEvent("t"u8.ToArray(), default, default, Encoding.UTF8.GetBytes(payload), 1), default).AsTask();
}
