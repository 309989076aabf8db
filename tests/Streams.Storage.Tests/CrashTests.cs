using System.Collections.Concurrent;
using System.Text;
using Streams.Core;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>A crash is an input: the machine stops at every step of a history, and what was acknowledged must be there.</summary>
public sealed class CrashTests
{
    private static readonly ConsumerName Reader = ConsumerName.Parse("reader");

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Whatever_step_the_machine_stops_at_what_was_acknowledged_is_there_in_order(int seed)
    {
        int steps;
        await using (Scene whole = await OpenAsync(seed, Small()))
        {
            History history = new(whole, new Random(seed));
            await history.RunAsync();
            Assert.True(history.Placed.Count > 60);
            steps = whole.Disk.Steps;
        }

        for (int stop = 1; stop <= steps; stop++)
        {
            await using Scene scene = new(seed) { Options = Small() };
            scene.Disk.StopAt = stop;
            History history = new(scene, new Random(seed));
            bool opened = await TryAsync(() => scene.OpenStoreAsync());
            if (opened)
            {
                await history.RunAsync();
            }

            Random crash = new(seed * 100_000 + stop);
            if (scene.Store is not null)
            {
                await scene.CrashAsync(crash.Next(3) == 0 ? null : crash);
            }
            else
            {
                scene.Disk.Crash(crash);
                await scene.OpenStoreAsync();
            }

            await history.CheckAsync($"seed {seed}, stopped at step {stop}");
            await scene.SendAsync(scene.Store!.BeginProducer(Car(99)), Batch(Car(99), 1, 2));
            await history.CheckAsync($"seed {seed}, stopped at step {stop}, gone on");
        }
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(14)]
    public async Task Many_crashes_one_after_the_other_lose_nothing_that_was_acknowledged(int seed)
    {
        Random chance = new(seed);
        await using Scene scene = await OpenAsync(seed, Small());
        History history = new(scene, chance);
        for (int round = 0; round < 40; round++)
        {
            scene.Disk.StopAt = scene.Disk.Steps + chance.Next(1, 60);
            await history.RunAsync();
            await scene.CrashAsync(chance.Next(4) == 0 ? null : chance);
            await history.CheckAsync($"seed {seed}, round {round}");
        }
    }

    [Fact]
    public async Task After_a_refused_flush_nothing_is_acknowledged_and_readers_go_on_until_it_is_reopened()
    {
        await using Scene scene = await OpenAsync();
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        await scene.SendAsync(session, Batch(Car(1), 1, 2));
        scene.Disk.RefuseFlushAfter = 0;
        await Assert.ThrowsAsync<StorageFailedException>(() => scene.SendAsync(session, Batch(Car(1), 3, 2, after: 2)));
        Assert.Contains("flush refused", (await scene.Store.Failed).Message);
        scene.Disk.RefuseFlushAfter = -1;

        Assert.Equal(ProduceRefusal.NotWriting, (await scene.SendAsync(session, Batch(Car(1), 5, 2, after: 4))).Refusal);
        await Assert.ThrowsAsync<StorageFailedException>(async () =>
            await scene.Store.CommitAsync(Reader, P0, Cursor.Start.With(scene.Origin, new Offset(1)), default));
        Assert.True(scene.Store.Status().Failed);
        Assert.Equal(["1:1", "1:2"], await scene.PayloadsAsync());
        Assert.Equal(2, scene.Store.Held(Car(1), P0, 1)[0].Run.Last);
        Assert.Contains(scene.Log.Lines, l => l.Id.Id == 1004);

        await scene.CrashAsync(null);
        Assert.Equal(["1:1", "1:2"], await scene.PayloadsAsync());
        await scene.SendAsync(scene.Store.BeginProducer(Car(1)), Batch(Car(1), 3, 1));
        Assert.Equal(["1:1", "1:2", "1:3"], await scene.PayloadsAsync());
    }

    [Fact]
    public async Task What_a_killed_process_had_written_but_not_flushed_is_flushed_before_it_is_shown()
    {
        await using Scene scene = await OpenAsync();
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        scene.Disk.StopAt = scene.Disk.Steps + 2;     // the write passes, its flush does not
        await Assert.ThrowsAsync<StorageFailedException>(() => scene.SendAsync(session, Batch(Car(1), 1, 2)));
        await scene.CrashAsync(null);
        Assert.Equal(["1:1", "1:2"], await scene.PayloadsAsync());
        await scene.CrashAsync(new Random(5), write: false);
        Assert.Equal(["1:1", "1:2"], await scene.PayloadsAsync());
    }

    [Fact]
    public async Task A_torn_tail_is_cut_and_reported()
    {
        await using Scene scene = await OpenAsync();
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        await scene.SendAsync(session, Batch(Car(1), 1, 2));
        await scene.SendAsync(session, Batch(Car(1), 3, 2, after: 2));
        long end = scene.Store.Status().Bytes;
        await scene.Store.DisposeAsync();
        scene.Disk.Flip(scene.Disk.List().Single(), end - 20);
        await scene.OpenStoreAsync();
        Assert.True(scene.Store.Recovery.CutBytes > 0);
        Assert.Contains("torn", scene.Store.Recovery.CutDetail);
        Assert.False(scene.Store.Recovery.NeedsNewIncarnation);
        Assert.Equal(["1:1", "1:2"], await scene.PayloadsAsync());
        Assert.Contains(scene.Log.Lines, l => l.Id.Id == 1001);
    }

    [Fact]
    public async Task Damage_in_the_last_segment_before_later_flushed_groups_is_not_taken_for_a_torn_tail()
    {
        await using Scene scene = await OpenAsync();
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        List<long> ends = [];
        for (int i = 0; i < 6; i++)
        {
            await scene.SendAsync(session, Batch(Car(1), i + 1, 1, after: i));
            ends.Add(scene.Store.Status().Bytes);
        }

        await scene.Store.DisposeAsync();
        scene.Disk.Flip(scene.Disk.List().Single(), ends[2] - 20);
        await scene.OpenStoreAsync();
        Assert.Equal(0, scene.Store.Recovery.CutBytes);
        Assert.True(scene.Store.Recovery.NeedsNewIncarnation);
        LaneStatus lane = scene.Store.Lane(scene.Own)!.Value;
        Assert.Equal(6, lane.NextOffset.Value);
        await AssertHoleAsync(scene, new Offset(2));
    }

    [Fact]
    public async Task Damage_in_a_sealed_segment_leaves_what_is_behind_it_readable_and_names_the_hole()
    {
        await using Scene scene = await OpenAsync(1, Small() with { SegmentBytes = 4 << 10 });
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        List<long> ends = [];
        for (int i = 0; i < 60; i++)
        {
            await scene.SendAsync(session, Batch(Car(1), i + 1, 1, after: i));
            ends.Add(scene.Store.Status().Bytes);
        }

        Assert.True(scene.Store.Status().Segments > 2);
        await scene.Store.DisposeAsync();
        scene.Disk.Flip(SegmentHeader.Name(0), ends[5] - 20);
        await scene.OpenStoreAsync();
        UnreadableRange range = Assert.Single(scene.Store.Recovery.Unreadable);
        Assert.Equal(SegmentHeader.Name(0), range.Segment);
        Assert.Equal(60, scene.Store.Lane(scene.Own)!.Value.NextOffset.Value);
        await AssertHoleAsync(scene, new Offset(5));
        Assert.Contains(scene.Log.Lines, l => l.Id.Id == 1002);
        await scene.SendAsync(scene.Store.BeginProducer(Car(1)), Batch(Car(1), 61, 1));
        Assert.Equal(61, scene.Store.Lane(scene.Own)!.Value.NextOffset.Value);
    }

    private static async Task AssertHoleAsync(Scene scene, Offset hole)
    {
        InvalidFormatException refused = await Assert.ThrowsAsync<InvalidFormatException>(async () =>
            await scene.Store.ReadAsync(scene.Own, hole, 1000, default));
        Assert.Contains(scene.Own.ToString(), refused.Message);
        using LaneSlice before = await scene.Store.ReadAsync(scene.Own, Offset.Zero, 1 << 20, default);
        Assert.Equal(hole.Value, before.Entries[^1].NextOffset.Value);
        using LaneSlice behind = await scene.Store.ReadAsync(scene.Own, hole + 1, 1 << 20, default);
        Assert.Equal(hole.Value + 1, behind.Entries[0].BaseOffset.Value);
        EventBatch batch = EventBatch.Parse(behind.Entries[0].Body);
        foreach (EventView view in batch.Events)
        {
            Assert.Equal($"1:{hole.Value + 2}", Encoding.UTF8.GetString(view.Payload.Span));
        }
    }

    private static ContainerOptions Small() => new()
    {
        SegmentBytes = 8 << 10,
        AllocationBytes = 4 << 10,
        GroupOperations = 5,
        RunsAheadOnGivenDisk = true,
    };

    private static async Task<bool> TryAsync(Func<Task> action)
    {
        try
        {
            await action();
            return true;
        }
        catch (StorageFailedException)
        {
            return false;
        }
    }

    /// <summary>A mixed history that notes what was acknowledged.</summary>
    private sealed class History(Scene scene, Random chance)
    {
        private readonly ConcurrentDictionary<(ProducerId, StreamPartition), long> _next = [];
        private Cursor _committed = Cursor.Start;
        private int _registers;
        private string _register = string.Empty;
        private int _plain;

        /// <summary>What stands at each acknowledged place.</summary>
        public ConcurrentDictionary<(StreamPartition Partition, long Offset), string> Placed { get; } = [];

        public async Task RunAsync()
        {
            ProducerSession[] sessions = [scene.Store.BeginProducer(Car(1)), scene.Store.BeginProducer(Car(2)),
                scene.Store.BeginProducer(Car(3))];
            ConcurrentDictionary<(ProducerId, StreamPartition), long> sent = [];
            for (int step = 0; step < 12; step++)
            {
                List<Task> waiting = [];
                for (int i = 0; i < 5; i++)
                {
                    waiting.Add(One(sessions, sent));
                }

                await Task.WhenAll(waiting);
            }
        }

        public async Task CheckAsync(string when)
        {
            foreach (IGrouping<StreamPartition, KeyValuePair<(StreamPartition Partition, long Offset),
                string>> partition in Placed.GroupBy(p => p.Key.Partition))
            {
                List<string> payloads = await scene.PayloadsAsync(new LaneId(partition.Key, scene.Origin));
                foreach (((_, long offset), string payload) in partition)
                {
                    Assert.True(offset < payloads.Count, $"{when}: offset {offset} of {partition.Key} is lost");
                    Assert.True(payloads[(int)offset] == payload,
                        $"{when}: {partition.Key} offset {offset} is {payloads[(int)offset]}, was {payload}");
                }

                foreach (string payload in payloads.Where(p => p[0] != 'p'))
                {
                    Assert.Equal(1, payloads.Count(p => p == payload));
                }
            }

            Cursor cursor = scene.Store.Cursor(Reader, P0);
            Assert.True(cursor[scene.Origin] >= _committed[scene.Origin], $"{when}: the cursor went back");
            if (_register.Length > 0)
            {
                string value = Encoding.UTF8.GetString(scene.Store.Register(Fleet, "session/x")!.Value.Value.Span);
                Assert.True(string.CompareOrdinal(value, _register) >= 0, $"{when}: the register went back");
            }
        }

        private Task One(ProducerSession[] sessions, ConcurrentDictionary<(ProducerId, StreamPartition), long> sent)
        {
            StreamPartition partition = Part(chance.Next(2));
            return chance.Next(8) switch
            {
                0 => Guard(async () =>
                {
                    Cursor cursor = _committed.With(scene.Origin, _committed[scene.Origin] + 1);
                    await scene.Store.CommitAsync(Reader, P0, cursor, default);
                    _committed = Cursor.Join(_committed, cursor);
                }),
                1 => Guard(async () =>
                {
                    string value = $"{++_registers:d6}";
                    await scene.Store.SetRegisterAsync(Fleet, "session/x", Encoding.UTF8.GetBytes(value), default);
                    _register = string.CompareOrdinal(value, _register) > 0 ? value : _register;
                }),
                2 or 3 => Guard(async () =>
                {
                    string payload = $"p{_plain++}";
                    EventPlace place = await scene.Store.AppendPlainAsync(partition,
                        new PlainEvent("plain"u8.ToArray(), default, default, Encoding.UTF8.GetBytes(payload), 1), default);
                    Assert.True(Placed.TryAdd((partition, place.Offset.Value), payload), $"offset {place.Offset} was given twice");
                }),
                _ => Guard(() => ProduceAsync(sessions[chance.Next(3)], partition, sent)),
            };
        }

        private async Task ProduceAsync(ProducerSession session, StreamPartition partition, ConcurrentDictionary<(ProducerId,
            StreamPartition), long> sent)
        {
            (ProducerId, StreamPartition) key = (session.Producer, partition);
            if (!sent.ContainsKey(key))
            {
                IReadOnlyList<HeldRun> held = scene.Store.Held(session.Producer, partition, 0);
                _next[key] = held.Count == 0 ? 1 : held.Max(h => h.Run.Last) + 1;
            }

            long first = _next.GetValueOrDefault(key, 1L);
            int count = chance.Next(1, 4);
            EventBatch batch = Batch(session.Producer, first, count, after: sent.GetValueOrDefault(key), topic: "t" + chance.Next(5));
            _next[key] = sent[key] = first + count - 1;
            _next[key]++;
            ProduceResult result = await scene.SendAsync(session, batch, partition);
            foreach (PlacedRun run in result.Placed)
            {
                for (long s = run.First; s <= run.Last; s++)
                {
                    Placed[(partition, run.FirstOffset.Value + (s - run.First))] = $"{session.Producer.Value}:{s}";
                }
            }
        }

        private static async Task Guard(Func<Task> action)
        {
            try
            {
                await action();
            }
            catch (StorageFailedException)
            {
            }
        }
    }
}
