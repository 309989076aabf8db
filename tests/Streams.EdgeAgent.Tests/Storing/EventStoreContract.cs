using System.Collections.Immutable;
using System.Text;
using Streams.Core;
using Streams.Gateways;

namespace Streams.EdgeAgent.Tests;

/// <summary>What every store behind a gateway must do, whatever it keeps its events in.</summary>
public abstract partial class EventStoreContract : StoreScene
{
    [Fact]
    public async Task Events_get_offsets_from_0_and_are_read_in_order()
    {
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(new EventPlace(Store.Origin, new Offset(i)), await AppendAsync($"e{i}"));
        }

        Assert.Equal(["e0", "e1", "e2", "e3", "e4"], await PayloadsAsync());
        LaneStatus lane = Assert.Single(Store.Lanes(P0));
        Assert.Equal(5, lane.NextOffset.Value);
        Assert.Equal(Own, lane.Lane);
        Assert.Empty(Store.Lanes(Part(1)));
        Assert.Equal([Fleet], Store.Streams);
    }

    [Fact]
    public async Task Reading_begins_with_the_entry_that_holds_the_offset_and_gives_at_least_one()
    {
        ProducerSession session = Store.BeginProducer(Car(1));
        await SendAsync(session, Batch(Car(1), 1, 10));
        await SendAsync(session, Batch(Car(1), 11, 10, after: 10));
        using (LaneSlice slice = await Store.ReadAsync(Own, new Offset(13), 1, default))
        {
            LaneEntry entry = Assert.Single(slice.Entries);
            Assert.Equal(10, entry.BaseOffset.Value);
            Assert.Equal(10, entry.EventCount);
            Assert.Equal(Batch(Car(1), 11, 10, after: 10).Bytes.ToArray(), entry.Body.ToArray());
            Assert.Equal(Store.Origin, entry.Path.Hops[0]);
        }

        using LaneSlice end = await Store.ReadAsync(Own, new Offset(20), 1000, default);
        Assert.Empty(end.Entries);
        using LaneSlice nothing = await Store.ReadAsync(new LaneId(Part(3), Store.Origin), default, 1000, default);
        Assert.Empty(nothing.Entries);
    }

    [Fact]
    public async Task Calls_that_wait_together_keep_the_order_of_their_callers()
    {
        Task<EventPlace>[] calls = [.. Enumerable.Range(0, 600).Select(i => AppendAsync($"{i % 3}:{i}", client: $"machine-{i % 3}"))];
        EventPlace[] places = await Task.WhenAll(calls);
        Assert.Equal(Enumerable.Range(0, 600), places.Select(p => (int)p.Offset.Value).Order());
        Dictionary<long, string> events = await EventsAsync();
        for (int machine = 0; machine < 3; machine++)
        {
            int[] numbers = [.. events.Values.Where(e => e[0] == '0' + machine).Select(e => int.Parse(e[2..]))];
            Assert.Equal(numbers.Order(), numbers);
        }

        Assert.All(calls.Select((c, i) => (Text: $"{i % 3}:{i}", At: c.Result.Offset.Value)), c => Assert.Equal(c.Text, events[c.At]));
    }

    [Fact]
    public async Task What_a_batch_is_marked_with_is_kept()
    {
        Origin other = new(ClusterName.Parse("ny"), new Incarnation(4));
        AfterVector after = AfterVector.Of([new EventPlace(other, new Offset(9)), new EventPlace(Store.Origin, new Offset(3))]);
        ProducerSession session = Store.BeginProducer(Car(1));
        await Store.ProduceAsync(session, P0, after, Batch(Car(1), 1, 1), default);
        using LaneSlice slice = await Store.ReadAsync(Own, default, 1 << 20, default);
        LaneEntry entry = slice.Entries.Single(e => e.Kind == EntryKind.Events);
        Assert.Equal([new EventPlace(other, new Offset(9))], entry.After.Places.ToArray());
        Assert.Equal((Time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond, entry.AppendedAt);
    }

    [Fact]
    public async Task A_batch_that_is_held_is_answered_with_its_place_and_not_appended()
    {
        ProducerSession first = Store.BeginProducer(Car(1));
        Assert.Equal(new PlacedRun(1, 3, Store.Origin, new Offset(0)), (await SendAsync(first, Batch(Car(1), 1, 3))).Placed.Single());
        await AppendAsync("between");
        Assert.Equal(new PlacedRun(4, 5, Store.Origin, new Offset(4)),
            (await SendAsync(first, Batch(Car(1), 4, 2, after: 3))).Placed.Single());
        await ReopenAsync();
        ProducerSession second = Store.BeginProducer(Car(1));
        ProduceResult again = await SendAsync(second, Batch(Car(1), 2, 4, twins: true));
        Assert.Equal([new PlacedRun(2, 3, Store.Origin, new Offset(1)), new PlacedRun(4, 5, Store.Origin, new Offset(4))], again.Placed);
        Assert.Equal(6, Store.Lanes(P0).Single().NextOffset.Value);
        Assert.Equal(6, (await SendAsync(second, Batch(Car(1), 5, 2, after: 5))).Placed.Single().FirstOffset.Value);
    }

    [Fact]
    public async Task Sessions_take_batches_in_order_and_the_newest_alone()
    {
        ProducerSession old = Store.BeginProducer(Car(1));
        await SendAsync(old, Batch(Car(1), 1, 1));
        Assert.Equal(ProduceRefusal.OutOfOrder, (await SendAsync(old, Batch(Car(1), 3, 1, after: 2))).Refusal);
        Assert.Equal(ProduceRefusal.OutOfOrder, (await SendAsync(old, Batch(Car(1), 2, 1, after: 1))).Refusal);
        ProducerSession newer = Store.BeginProducer(Car(1));
        Assert.Equal(ProduceRefusal.None, (await SendAsync(newer, Batch(Car(1), 2, 1))).Refusal);
        Assert.Equal(ProduceRefusal.OlderSession, (await SendAsync(old, Batch(Car(1), 3, 1))).Refusal);
        Assert.Equal(ProduceRefusal.Invalid, (await SendAsync(newer, Batch(Car(2), 1, 1))).Refusal);
        Assert.Equal(ProduceRefusal.OutOfOrder, (await SendAsync(newer, Batch(Car(1), 3, 1, after: 2))).Refusal);
        Assert.Equal(["1:1", "1:2"], await PayloadsAsync());
    }

    [Fact]
    public async Task What_is_held_of_a_producer_is_known_by_runs()
    {
        ProducerSession one = Store.BeginProducer(Car(1));
        await SendAsync(one, Batch(Car(1), 1, 2));
        await SendAsync(one, Batch(Car(1), 3, 2, after: 2));
        await AppendAsync("between");
        await SendAsync(one, Batch(Car(1), 5, 1, after: 4));
        await SendAsync(one, Batch(Car(1), 6, 1, after: 5, epoch: 7), Part(1));
        await ReopenAsync();
        HeldRun first = new(new SequenceRun(Car(1), 7, 1, 4), Store.Origin, new Offset(0));
        HeldRun second = new(new SequenceRun(Car(1), 7, 5, 5), Store.Origin, new Offset(5));
        Assert.Equal([first, second], Store.Held(Car(1), P0, 0).OrderBy(r => r.Run.First));
        Assert.Equal([first, second], Store.Held(Car(1), P0, 4).OrderBy(r => r.Run.First));
        Assert.Equal([second], Store.Held(Car(1), P0, 5));
        Assert.Empty(Store.Held(Car(1), P0, 6));
        Assert.Empty(Store.Held(Car(2), P0, 0));
    }

    [Fact]
    public async Task Copies_are_cut_to_what_is_asked_for_and_leave_the_own_lane_out()
    {
        ProducerSession one = Store.BeginProducer(Car(1));
        await SendAsync(one, Batch(Car(1), 1, 9));
        Origin other = new(ClusterName.Parse("ny"), new Incarnation(4));
        Assert.Equal([new HeldRun(new SequenceRun(Car(1), 7, 3, 4), Store.Origin, new Offset(2))],
            Store.Copies(P0, new SequenceRun(Car(1), 7, 3, 4), other));
        Assert.Equal([new HeldRun(new SequenceRun(Car(1), 7, 8, 9), Store.Origin, new Offset(7))],
            Store.Copies(P0, new SequenceRun(Car(1), 7, 8, 20), other));
        Assert.Empty(Store.Copies(P0, new SequenceRun(Car(1), 8, 3, 4), other));
        Assert.Empty(Store.Copies(P0, new SequenceRun(Car(1), 7, 3, 4), Store.Origin));
    }

    [Fact]
    public async Task Cursors_join_by_generation_and_then_by_the_greater_offset()
    {
        Origin a = Store.Origin;
        Origin b = new(ClusterName.Parse("ny"), new Incarnation(4));
        Assert.Equal(Cursor.Start, Store.Cursor(Reader, P0));
        await Store.CommitAsync(Reader, P0, Cursor.Start.With(a, new Offset(5)), default);
        await Store.CommitAsync(Reader, P0, Cursor.Start.With(a, new Offset(3)).With(b, new Offset(9)), default);
        Assert.Equal(Cursor.Start.With(a, new Offset(5)).With(b, new Offset(9)), Store.Cursor(Reader, P0));
        Assert.Equal(Cursor.Start, Store.Cursor(Reader, Part(1)));
        Cursor rewound = new(new Generation(1, a), ImmutableSortedDictionary<Origin, Offset>.Empty.Add(a, new Offset(1)), []);
        await Store.CommitAsync(Reader, P0, rewound, default);
        await Store.CommitAsync(Reader, P0, Cursor.Start.With(a, new Offset(50)), default);
        await ReopenAsync();
        Assert.Equal(rewound, Store.Cursor(Reader, P0));
    }

    [Fact]
    public async Task The_offset_of_a_time_is_that_of_the_first_entry_appended_then_or_later()
    {
        DateTimeOffset start = Time.GetUtcNow();
        for (int i = 0; i < 20; i++)
        {
            await AppendAsync($"e{i}");
            Time.Advance(TimeSpan.FromSeconds(10));
        }

        Assert.Equal(0, Store.FindTime(Own, start - TimeSpan.FromDays(1)).Value);
        Assert.Equal(0, Store.FindTime(Own, start).Value);
        Assert.Equal(1, Store.FindTime(Own, start + TimeSpan.FromSeconds(1)).Value);
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(i, Store.FindTime(Own, start + TimeSpan.FromSeconds(10 * i)).Value);
        }

        Assert.Equal(20, Store.FindTime(Own, start + TimeSpan.FromHours(1)).Value);
        Assert.Equal(0, Store.FindTime(new LaneId(Part(2), Store.Origin), start).Value);
    }

    [Fact]
    public async Task Watchers_of_a_stream_hear_of_events_cursors_and_registers_until_they_stop()
    {
        int heard = 0;
        int others = 0;
        IDisposable watch = Store.Watch(Fleet, () => Interlocked.Increment(ref heard));
        using IDisposable other = Store.Watch(StreamPath.Parse("/other"), () => Interlocked.Increment(ref others));
        await ExpectAsync(() => AppendAsync("e"));
        await ExpectAsync(() => Store.CommitAsync(Reader, P0, Cursor.Start.With(Store.Origin, new Offset(1)), default).AsTask());
        await ExpectAsync(() => SetAsync("session/a", "1"));
        Assert.Equal(0, Volatile.Read(ref others));
        watch.Dispose();
        int before = Volatile.Read(ref heard);
        await AppendAsync("more");
        await AppendAsync("more");
        Assert.Equal(before, Volatile.Read(ref heard));

        async Task ExpectAsync(Func<Task> change)
        {
            int seen = Volatile.Read(ref heard);
            await change();
            await Streams.Testing.Eventually.TrueAsync(() => Volatile.Read(ref heard) > seen, "the watcher hears of it");
        }
    }

    [Fact]
    public async Task A_call_that_is_cancelled_before_it_begins_does_nothing()
    {
        using CancellationTokenSource cancelled = new();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.AppendPlainAsync(P0, Plain("x"), cancelled.Token).AsTask());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Store.CommitAsync(Reader, P0, Cursor.Start.With(Store.Origin, new Offset(1)), cancelled.Token).AsTask());
        await AppendAsync("y");
        Assert.Equal(["y"], await PayloadsAsync());
        Assert.Equal(Cursor.Start, Store.Cursor(Reader, P0));
    }

    [Fact]
    public async Task What_is_over_a_limit_is_refused_alone()
    {
        Task<EventPlace> before = AppendAsync("before");
        PlainEvent great = new("t"u8.ToArray(), default, default, new byte[EventLimits.MaxPayloadBytes + 1], 1);
        await Assert.ThrowsAsync<InvalidRequestException>(() => Store.AppendPlainAsync(P0, great, default).AsTask());
        PlainEvent nameless = new("a+b"u8.ToArray(), default, default, default, 1);
        await Assert.ThrowsAsync<InvalidRequestException>(() => Store.AppendPlainAsync(P0, nameless, default).AsTask());
        await Assert.ThrowsAsync<InvalidRequestException>(() => SetAsync(new string('k', RegisterFact.MaxKeyBytes + 1), "v"));
        await Assert.ThrowsAsync<InvalidRequestException>(() => SetAsync("k", new string('v', RegisterFact.MaxValueBytes + 1)));
        await Assert.ThrowsAsync<InvalidRequestException>(() => SetAsync(StreamSettings.RegisterKey, "nonsense"));
        await before;
        await AppendAsync(new string('x', EventLimits.MaxPayloadBytes - 10));
        Assert.Equal(2, Store.Lanes(P0).Single().NextOffset.Value);
    }

    [Fact]
    public async Task Whatever_moment_a_process_is_killed_at_what_was_answered_is_there()
    {
        for (int round = 0; round < 3; round++)
        {
            List<Task> waiting = [];
            SortedDictionary<long, string> answered = [];
            for (int i = 0; i < 60; i++)
            {
                waiting.Add(NoteAsync($"{round}:{i}", answered));
            }

            await Task.WhenAny(waiting.Skip(20));
            KeyValuePair<long, string>[] until;
            lock (answered)
            {
                until = [.. answered];
            }

            await KillAsync();
            await Task.WhenAll(waiting);
            Dictionary<long, string> there = await EventsAsync();
            Assert.All(until, e => Assert.Equal(e.Value, there[e.Key]));
        }

        async Task NoteAsync(string payload, SortedDictionary<long, string> answered)
        {
            EventPlace place = await AppendAsync(payload, client: payload[^1..]);
            lock (answered)
            {
                answered.Add(place.Offset.Value, payload);
            }
        }
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);
}
