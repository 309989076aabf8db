using System.Text;
using Streams.Core;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>A group is staged while the one before is flushed: it must see what that one holds.</summary>
public sealed class OverlapTests
{
    private const int Cars = 120;

    // One operation a group: nearly every decision is made while the one before it is in flight.
    private static readonly ContainerOptions One = new()
    {
        SegmentBytes = 1 << 20,
        AllocationBytes = 16 << 10,
        GroupOperations = 1,
        RunsAheadOnGivenDisk = true,
    };

    [Fact]
    public void R6_a_batch_that_is_sent_again_while_it_is_flushed_is_taken_once()
    {
        (Stager stager, SessionTable sessions, ContainerState state) = Begin();
        ProduceResult first = Produce(stager, sessions.Begin(Car(1)), Batch(Car(1), 1, 3));
        StagedGroup inFlight = stager.Detach();
        stager.Begin(2000, 0, 3);
        ProducerSession newer = sessions.Begin(Car(1));
        ProduceResult again = Produce(stager, newer, Batch(Car(1), 1, 3));
        Assert.Equal(first.Placed, again.Placed);
        Assert.True(stager.Open.Buffer.Written == 0);

        ProduceResult more = Produce(stager, newer, Batch(Car(1), 4, 1, after: 3));
        Assert.Equal(3, Assert.Single(more.Placed).FirstOffset.Value);
        LaneId lane = new(P0, Sj(1));
        Assert.Same(inFlight, stager.Publish());
        Assert.Equal(3, state.Lanes.Find(lane)!.NextOffset);
        stager.Publish();
        Assert.Equal(4, state.Lanes.Find(lane)!.NextOffset);
        Assert.Null(state.Lanes.Find(lane)!.StagedIn);
    }

    [Fact]
    public void Topics_and_cursors_of_a_group_in_flight_are_not_written_again()
    {
        (Stager stager, SessionTable sessions, ContainerState _) = Begin();
        ConsumerName reader = ConsumerName.Parse("reader");
        Cursor cursor = Cursor.Start.With(Sj(1), new Offset(2));
        Produce(stager, sessions.Begin(Car(1)), Batch(Car(1), 1, 3));
        stager.Commit(reader, P0, cursor);
        stager.Finish();
        stager.Detach();

        stager.Begin(2000, 0, 3);
        stager.Commit(reader, P0, cursor);
        stager.Finish();
        Assert.True(stager.Open.Buffer.Written == 0);
        Produce(stager, sessions.Begin(Car(2)), Batch(Car(2), 1, 3));
        Assert.Equal([EntryKind.Events], stager.Open.Records.Select(r => r.Content).OfType<LaneEntry>().Select(e => e.Kind));
    }

    [Fact]
    public async Task New_lanes_of_groups_in_flight_keep_their_numbers_over_a_restart()
    {
        await using Scene scene = await OpenAsync(1, One);
        List<Task<EventPlace>> answers = [];
        for (int i = 0; i < Cars; i++)
        {
            StreamPartition partition = new(StreamPath.Parse("/s" + i), default);
            answers.Add(AppendAsync(scene, partition, $"{i} first"));
            answers.Add(AppendAsync(scene, partition, $"{i} second"));
        }

        await Task.WhenAll(answers);
        Assert.True(scene.Store.Overlapped > 10, $"only {scene.Store.Overlapped} groups overlapped: the test shows nothing");
        for (int round = 0; round < 2; round++)
        {
            for (int i = 0; i < Cars; i++)
            {
                LaneId lane = new(new StreamPartition(StreamPath.Parse("/s" + i), default), scene.Origin);
                Assert.Equal([$"{i} first", $"{i} second"], await scene.PayloadsAsync(lane));
            }

            await scene.CrashAsync(new Random(round));
        }
    }

    [Fact]
    public async Task Who_watches_a_stream_is_told_of_each_group_though_the_next_takes_off_before_the_answers()
    {
        await using Scene scene = await OpenAsync(1, One);
        StreamPartition[] streams = [.. Enumerable.Range(0, Cars).Select(i => new StreamPartition(StreamPath.Parse("/s" + i), default))];
        int[] told = new int[Cars];
        IDisposable[] watches = [.. streams.Select((s, i) => scene.Store.Watch(s.Stream, () => Interlocked.Increment(ref told[i])))];
        await Task.WhenAll(streams.Select(s => AppendAsync(scene, s, "x")));
        Assert.True(scene.Store.Overlapped > 10, $"only {scene.Store.Overlapped} groups overlapped: the test shows nothing");
        Assert.All(told, t => Assert.True(t > 0));
        Array.ForEach(watches, w => w.Dispose());
    }

    [Fact]
    public async Task With_durability_written_the_memory_of_a_batch_is_the_callers_again_once_it_is_answered()
    {
        await using Scene scene = await OpenAsync(1, One);
        await scene.Store.SetRegisterAsync(Fleet, StreamSettings.RegisterKey,
            (StreamSettings.Default with { Durability = Durability.Written }).Write(), default);
        byte[] memory = Batch(Car(1), 1, 2, topic: "new").Bytes.ToArray();
        await scene.SendAsync(scene.Store.BeginProducer(Car(1)), EventBatch.Parse(memory));
        memory.AsSpan().Fill(0xff);
        await scene.Store.CommitAsync(ConsumerName.Parse("reader"), P0, Cursor.Start.With(Sj(1), new Offset(1)), default);
        Assert.Equal("new", Assert.Single(scene.Store.Topics(Fleet, 10)).Topic.Value);
        LatestValue? latest = await scene.Store.LatestAsync(Fleet, TopicName.Parse("new"), default);
        Assert.Equal(1, latest!.Offset.Value);
    }

    private static (Stager Stager, SessionTable Sessions, ContainerState State) Begin()
    {
        ContainerState state = new();
        SessionTable sessions = new(1);
        Stager stager = new(state, sessions, new ManualTime(), new Random(1), new ContainerOptions());
        stager.Begin(64, 0, 1);
        stager.SetOrigin(Sj(1));
        stager.Publish();
        stager.Begin(1000, 0, 2);
        return (stager, sessions, state);
    }

    private static Task<EventPlace> AppendAsync(Scene scene, StreamPartition partition, string payload) => scene.Store.AppendPlainAsync(
        partition, new PlainEvent("t"u8.ToArray(), default, default, Encoding.UTF8.GetBytes(payload), 1), default).AsTask();

    private static ProduceResult Produce(Stager stager, ProducerSession session, EventBatch batch) =>
        stager.Produce(session, P0, AfterVector.Empty, batch, BatchTopics.Of(batch));
}
