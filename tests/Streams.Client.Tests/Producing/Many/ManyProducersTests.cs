using Streams.Core;

namespace Streams.Client.Tests;

/// <summary>What is decided for many producers on one connection.</summary>
public sealed class ManyProducersTests
{
    private static readonly StreamPartition P0 = new(StreamPath.Parse("/fleet"), new PartitionId(0));
    private static readonly Origin Sj = Origin.Parse("sj.0000000000000001");
    private static readonly TimeSpan T0 = TimeSpan.Zero;

    [Fact]
    public void Thousands_say_hello_in_pages_and_send_by_turns()
    {
        ManyProducers many = new(new ManyProducerRules());
        for (int i = 0; i < 1000; i++)
        {
            Arrive(many, i, 1, 100);
        }

        many.BeginConnection(5000);
        List<int> pages = [];
        while (many.NextHello(T0) is { } hello)
        {
            Assert.Empty(hello.Leaving);
            pages.Add(hello.Producers.Count);
            Greet(many, hello);
        }

        Assert.Equal([256, 256, 256, 232], pages);
        HashSet<ProducerId> sent = [];
        for (int i = 0; i < 1000; i++)
        {
            sent.Add(SendOne(many, 100, events: 2).Slot.Producer);
        }

        Assert.Equal(1000, sent.Count);
    }

    [Fact]
    public void One_that_is_shut_out_comes_back_alone_after_a_rest_that_grows()
    {
        ManyProducers many = Open(2);
        (ProducerSlot slot, OutgoingBatch batch) = SendOne(many, 100, events: 2);
        Assert.Equal(TimeSpan.Zero, many.ShutOut(slot, batch.Session, T0));
        Assert.Null(many.ShutOut(slot, batch.Session, T0));                   // what was sent behind it is refused too
        HellosRequest again = many.NextHello(T0)!;
        Assert.Equal(slot.Producer, Assert.Single(again.Producers).Producer);
        Assert.Equal([(P0, 1L)], again.Producers[0].Waiting);
        Assert.Equal(1, many.Ready);                                           // the other goes on meanwhile
        Greet(many, again);
        batch = SendOf(many, slot);
        Assert.Equal((1L, true), (batch.First.Sequence, batch.MayHaveTwins));
        Assert.Equal(TimeSpan.FromMilliseconds(100), many.ShutOut(slot, batch.Session, T0));
        Assert.Null(many.NextHello(TimeSpan.FromMilliseconds(99)));
        Assert.Equal(TimeSpan.FromMilliseconds(100), many.Due);
        Greet(many, many.NextHello(TimeSpan.FromMilliseconds(100))!);
        batch = SendOf(many, slot);
        Acknowledge(many, slot, batch);
        batch = SendOf(many, slot);
        Assert.Equal(TimeSpan.Zero, many.ShutOut(slot, batch.Session, T0));    // a batch was taken meanwhile
    }

    [Fact]
    public void What_is_refused_for_good_narrows_one_producer_until_the_guilty_event_stands_alone()
    {
        ManyProducers many = Open(2, events: 2);
        (ProducerSlot slot, OutgoingBatch batch) = SendOne(many, 100, events: 2);
        Assert.False(many.Refuse(slot, batch, allAlike: false));
        Greet(many, many.NextHello(T0)!);
        OutgoingBatch half = SendOf(many, slot);
        Assert.Equal((1, 1L), (half.Count, half.First.Sequence));
        Assert.True(many.Refuse(slot, half, allAlike: false));
        Greet(many, many.NextHello(T0)!);
        Assert.Equal(2, SendOf(many, slot).First.Sequence);
    }

    [Fact]
    public void Idle_ones_keep_their_session_up_to_a_number_and_the_longest_idle_leave()
    {
        ManyProducers many = new(new ManyProducerRules { MaxIdle = 3 });
        for (int i = 0; i < 5; i++)
        {
            Arrive(many, i, 1, 1);
        }

        many.BeginConnection(100);
        Greet(many, many.NextHello(T0)!);
        for (int i = 0; i < 5; i++)
        {
            (ProducerSlot slot, OutgoingBatch batch) = SendOne(many, 100, events: 1);
            Acknowledge(many, slot, batch);
            many.Settle(slot);
        }

        Assert.Equal(3, many.Count);
        Arrive(many, 4, 2, 1);
        Assert.Equal(2, SendOne(many, 100, events: 1).Batch.First.Sequence);   // its session stood: no hello
        Assert.False(many.TryAdd(new ArrivedRun(Id(0), P0, 7, 2, 2, 10), null)); // forgotten: where its events stand is asked for
        EventPlace stand = new(Origin.Parse("ny.0000000000000001"), new Offset(4));
        Assert.True(many.TryAdd(new ArrivedRun(Id(0), P0, 7, 2, 2, 10), [stand]));
        HellosRequest hello = many.NextHello(T0)!;
        Assert.Equal([Id(1)], hello.Leaving);                                  // number 0 comes back instead of leaving
        Assert.Equal(Id(0), Assert.Single(hello.Producers).Producer);
        Greet(many, hello);
        Assert.Equal(1, SendOne(many, 100, events: 1).Batch.After.Count);
    }

    [Fact]
    public void More_producers_than_a_connection_takes_come_as_others_have_nothing_left()
    {
        ManyProducers many = new(new ManyProducerRules());
        for (int i = 0; i < 30; i++)
        {
            Arrive(many, i, 1, 1);
        }

        many.BeginConnection(4);
        HashSet<ProducerId> there = [];
        HashSet<ProducerId> served = [];
        while (many.NextHello(T0) is { } hello)
        {
            there.ExceptWith(hello.Leaving);
            there.UnionWith(hello.Producers.Select(static p => p.Producer));
            Assert.True(there.Count <= 4);
            Greet(many, hello);
            while (many.TryNext(100, out NextStretch next))
            {
                OutgoingBatch batch = many.Send(next, next.Last, 10)!;
                served.Add(next.Slot.Producer);
                Acknowledge(many, next.Slot, batch);
                many.Settle(next.Slot);
            }
        }

        Assert.Equal(30, served.Count);
    }

    [Fact]
    public void A_lost_connection_keeps_what_waits_and_forgets_the_rest()
    {
        ManyProducers many = Open(3, events: 1);
        (ProducerSlot slot, OutgoingBatch batch) = SendOne(many, 100, events: 1);
        Acknowledge(many, slot, batch);
        many.Settle(slot);
        Assert.Equal(3, many.Count);
        many.EndConnection();
        Assert.Equal(2, many.Count);
        many.BeginConnection(10);
        Assert.Equal(2, many.NextHello(T0)!.Producers.Count);
    }

    private static ManyProducers Open(int producers, int events = 100)
    {
        ManyProducers many = new(new ManyProducerRules());
        for (int i = 0; i < producers; i++)
        {
            Arrive(many, i, 1, events);
        }

        many.BeginConnection(1000);
        Greet(many, many.NextHello(T0)!);
        return many;
    }

    private static ProducerId Id(int producer) => ProducerId.ForName($"car-{producer}");

    private static void Arrive(ManyProducers many, int producer, long first, int count) =>
        Assert.True(many.TryAdd(new ArrivedRun(Id(producer), P0, 7, first, first + count - 1, count * 50), []));

    private static void Greet(ManyProducers many, HellosRequest hello)
    {
        foreach (ProducerHello each in hello.Producers)
        {
            Assert.NotNull(many.Greet(hello.Correlation, Sj, new ProducerHeld(each.Producer, []), [], out _));
        }
    }

    private static (ProducerSlot Slot, OutgoingBatch Batch) SendOne(ManyProducers many, int quantum, int events)
    {
        Assert.True(many.TryNext(quantum, out NextStretch next));
        return (next.Slot, many.Send(next, Math.Min(next.Last, next.First.Sequence + events - 1), quantum)!);
    }

    private static OutgoingBatch SendOf(ManyProducers many, ProducerSlot slot)
    {
        for (int i = 0; i < 1000; i++)
        {
            (ProducerSlot sent, OutgoingBatch batch) = SendOne(many, 100, events: 2);
            if (sent == slot)
            {
                return batch;
            }
        }

        throw new InvalidOperationException("its turn never came");
    }

    private static void Acknowledge(ManyProducers many, ProducerSlot slot, OutgoingBatch batch)
    {
        Assert.True(ManyProducers.IsOpen(slot, batch));
        Assert.True(ManyProducers.Acknowledge(slot, batch, [new PlacedRun(batch.First.Sequence, batch.Last, Sj, new Offset(3))], []));
        Assert.True(many.Count > 0);
    }
}
