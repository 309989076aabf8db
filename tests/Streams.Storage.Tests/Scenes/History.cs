using System.Collections.Concurrent;
using System.Text;
using Streams.Core;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>A mixed history that notes what was acknowledged.</summary>
internal sealed class History(Scene scene, Random chance)
{
    public static readonly ConsumerName Reader = ConsumerName.Parse("reader");

    private readonly ConcurrentDictionary<(ProducerId, StreamPartition), long> _next = [];
    private readonly Dictionary<StreamPartition, long> _trimmed = [];
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

    /// <summary>Takes the older half of what is kept of each partition away and gives the space back, as far as the disk lets it.</summary>
    public async Task RetainAsync()
    {
        foreach (StreamPartition partition in (StreamPartition[])[Part(0), Part(1)])
        {
            LaneId id = new(partition, scene.Origin);
            if (scene.Store.Lane(id) is not { } lane)
            {
                continue;
            }

            await Guard(async () =>
            {
                EntryNumber first = new((lane.FirstEntry.Value + lane.NextEntry.Value) / 2);
                await scene.Store.TrimAsync(id, first, default);
                _trimmed[partition] = first.Value;
            });
        }

        await Guard(async () => await scene.Store.EndSegmentAsync(default));
        await Guard(async () => await scene.Store.ReclaimAsync((_, _) => ValueTask.CompletedTask, default));
    }

    public async Task CheckAsync(string when)
    {
        foreach (IGrouping<StreamPartition, KeyValuePair<(StreamPartition Partition, long Offset),
            string>> partition in Placed.GroupBy(p => p.Key.Partition))
        {
            LaneId id = new(partition.Key, scene.Origin);
            LaneStatus lane = scene.Store.Lane(id) ?? throw new InvalidOperationException($"{when}: {partition.Key} is lost");
            Assert.True(lane.FirstEntry.Value >= _trimmed.GetValueOrDefault(partition.Key), $"{when}: what retention took is back");
            Dictionary<long, string> there = await scene.EventsAsync(id);
            foreach (((_, long offset), string payload) in partition.Where(p => p.Key.Offset >= lane.FirstOffset.Value))
            {
                Assert.True(there.TryGetValue(offset, out string? found), $"{when}: offset {offset} of {partition.Key} is lost");
                Assert.True(found == payload, $"{when}: {partition.Key} offset {offset} is {found}, was {payload}");
            }

            Assert.DoesNotContain(there.Values.Where(p => p[0] != 'p').GroupBy(p => p), g => g.Count() > 1);
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
                string payload = $"{session.Producer.Value}:{s}";
                string there = Placed.GetOrAdd((partition, run.FirstOffset.Value + (s - run.First)), payload);
                Assert.True(there == payload, $"offset {run.FirstOffset.Value + (s - run.First)} was given to {there} and to {payload}");
            }
        }
    }

    private static async Task Guard(Func<Task> action)
    {
        try
        {
            await action();
        }
        catch (Exception e) when (e is StorageFailedException or TryAgainException)
        {
        }
    }
}
