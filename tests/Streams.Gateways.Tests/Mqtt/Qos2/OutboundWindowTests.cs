using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways.Tests;

/// <summary>The window as a state machine, and that it comes back from its bytes as it was.</summary>
public sealed class OutboundWindowTests
{
    private static readonly StreamPartition s_partition = new(StreamPath.Parse("/fleet"), default);
    private static readonly Origin s_origin = new(ClusterName.Parse("sj"), new Incarnation(1));
    private static readonly ProducerId s_owner = new(7);

    [Fact]
    public void What_is_kept_comes_back_in_its_order_with_its_identifiers_and_what_is_finished_behind_the_cursor()
    {
        OutboundWindow window = new(10, isKept: true);
        ushort[] ids = [.. Enumerable.Range(0, 6).Select(i => Restored(window, (ushort)(10 * (6 - i)), 100 + i, i % 2 == 0))];
        Assert.True(window.Receive(ids[0]));
        Assert.True(window.Receive(ids[4]));
        Assert.True(window.Remove(ids[2], remembers: true, out _));
        Assert.True(window.Remove(ids[3], remembers: true, out _));

        OutboundWindow again = Reread(window, Cursor.Start, size: 2);
        Assert.Equal([(ids[1], 101L, false), (ids[5], 105, false), (ids[0], 100, true), (ids[4], 104, true)],
            again.Messages().Select(m => (m.PacketId, m.Message.Offset.Value, m.Message.Released)));
        Assert.Equal([102L, 103], again.Done[new LaneId(s_partition, s_origin)]);
        Assert.True(again.TryNextAgain(out ushort first, out _));
        Assert.Equal(ids[1], first);
        Assert.False(again.HasRoom);                  // the two that wait for PUBCOMP hold their slots
        Assert.Equal(0, new OutboundWindow(5, true) is var other
            && WindowRecord.Read(WindowRecord.Write(window, s_owner), new ProducerId(8), other, _ => Cursor.Start) ? 1 : other.Count);
    }

    [Fact]
    public void What_the_cursor_has_passed_is_not_sent_again_and_one_that_waits_for_PUBCOMP_keeps_its_identifier()
    {
        OutboundWindow window = new(10, isKept: true);
        Restored(window, 1, 100, true);
        Restored(window, 2, 101, true);
        Restored(window, 3, 102, true);
        window.Receive(1);
        OutboundWindow again = Reread(window, Cursor.Start.With(s_origin, new Offset(102)));
        Assert.Equal([3, 1], again.Messages().Select(m => (int)m.PacketId));
    }

    [Fact]
    public void What_is_remembered_goes_with_the_cursor_and_when_a_partition_begins_again()
    {
        OutboundWindow window = new(10, isKept: true);
        LaneId lane = new(s_partition, s_origin);
        for (int i = 0; i < 10; i++)
        {
            window.RestoreDone(lane, new Offset(i));
        }

        window.Passed(s_partition, Cursor.Start.With(s_origin, new Offset(4)));
        Assert.Equal(6, window.Done[lane].Count);
        window.Forget(s_partition);
        Assert.True(window.IsEmpty);
        Assert.Empty(WindowRecord.Write(window, s_owner));
    }

    [Fact]
    public void A_PUBREC_is_news_once_and_of_QoS_1_never()
    {
        OutboundWindow window = new(10, isKept: true);
        Restored(window, 1, 100, true);
        Restored(window, 2, 101, false);
        Assert.True(window.Receive(1));
        Assert.False(window.Receive(1));
        Assert.Null(window.Receive(2));
        Assert.Null(window.Receive(3));
    }

    [Fact]
    public void An_identifier_in_use_is_given_to_no_other_message()
    {
        OutboundWindow window = new(ushort.MaxValue, isKept: true);
        Restored(window, ushort.MaxValue, 1, true);
        Restored(window, 1, 2, true);
        Assert.Equal(2, window.Add(Message(3, true)));
        Assert.Equal(3, window.Add(Message(4, true)));
        Assert.False(window.Restore(2, Message(9, true)));
    }

    [Fact]
    public void A_message_without_a_reader_is_not_kept()
    {
        OutboundWindow window = new(10, isKept: true);
        ushort id = window.Add(Message(1, true));
        Assert.True(window.IsEmpty);
        Assert.True(window.Receive(id));
        Assert.True(window.Remove(id, remembers: true, out InFlight message));
        Assert.True(message.Released);
        Assert.True(window.IsEmpty);
    }

    [Fact]
    public void Bytes_that_are_no_window_are_refused_and_never_more_than_a_register_is_kept()
    {
        OutboundWindow window = new(1000, isKept: true);
        for (int i = 0; i < 1000; i++)
        {
            Restored(window, (ushort)(i + 1), i * 1000L, true);
        }

        byte[] bytes = WindowRecord.Write(window, s_owner);
        for (int length = 0; length < bytes.Length; length += 7)
        {
            Assert.False(WindowRecord.Read(bytes.AsMemory(0, length), s_owner, new OutboundWindow(1000, true), _ => Cursor.Start));
        }

        LaneId lane = new(s_partition, s_origin);
        ushort under = window.Add(Message(1, true));
        for (long i = 0; !window.IsFull; i++)
        {
            window.RestoreDone(lane, new Offset(1_000_000 + (i * 3)));
        }

        Assert.InRange(WindowRecord.Write(window, s_owner).Length, 20 << 10, RegisterFact.MaxValueBytes);
        window.Remove(under, out _);
        Assert.False(window.IsFull);                  // with nothing under way the reader goes on
    }

    private static InFlight Message(long offset, bool isExact) => new(null, 0, s_partition, s_origin, new Offset(offset),
        isExact ? MqttQos.ExactlyOnce : MqttQos.AtLeastOnce);

    private static ushort Restored(OutboundWindow window, ushort id, long offset, bool isExact)
    {
        Assert.True(window.Restore(id, Message(offset, isExact)));
        return id;
    }

    private static OutboundWindow Reread(OutboundWindow window, Cursor cursor, int size = 10)
    {
        OutboundWindow again = new(size, isKept: true);
        Assert.True(WindowRecord.Read(WindowRecord.Write(window, s_owner), s_owner, again, _ => cursor));
        return again;
    }
}
