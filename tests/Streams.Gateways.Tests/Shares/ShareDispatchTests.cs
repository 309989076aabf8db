using Streams.Core;

namespace Streams.Gateways.Tests;

/// <summary>Who of a group is given what, and what comes back: the pure part.</summary>
public sealed class ShareDispatchTests
{
    private readonly ShareDispatch<string> _dispatch = new();

    [Fact]
    public void Members_take_turns_and_one_without_room_is_passed_over()
    {
        Member a = Join("a", 9), b = Join("b", 1), c = Join("c", 9);
        Assert.Equal("a b c a c a", string.Join(' ', Enumerable.Range(0, 6).Select(i => Give($"{i}"))));
        Assert.Equal([0, 3, 5], a.Tickets.ConvertAll(static t => (int)t - 1));
        Assert.Single(b.Tickets);
        Assert.Equal(2, c.Tickets.Count);
    }

    [Fact]
    public void A_new_member_is_the_last_in_turn_and_one_that_goes_shifts_nobody()
    {
        Member a = Join("a", 9), b = Join("b", 9);
        Assert.Equal("a", Give("0"));
        Join("c", 9);
        Assert.Equal("b", Give("1"));
        _dispatch.Leave(a);
        Assert.Equal("c b c", $"{Give("2")} {Give("3")} {Give("4")}");
        _dispatch.Leave(b);
        Assert.Equal("c", Give("5"));
    }

    [Fact]
    public void What_a_member_that_is_gone_had_comes_back_in_its_order_and_its_late_acknowledgement_means_nothing()
    {
        Member a = Join("a", 9);
        Give("0");
        Give("1");
        Assert.True(_dispatch.Done(a, a.Tickets[0], out string done));
        Assert.Equal("0", done);
        Give("2");
        Assert.Equal(2, _dispatch.Leave(a));
        Assert.Equal(-1, _dispatch.Leave(a));
        Member b = Join("b", 9);
        Assert.True(_dispatch.TryReturned(out long ticket, out string entry));
        Assert.Equal("1", entry);
        _dispatch.GiveAgain(ticket, b);
        Assert.False(_dispatch.Done(a, ticket, out _));
        Assert.True(_dispatch.Done(b, ticket, out _));
        Assert.True(_dispatch.TryReturned(out ticket, out entry));
        Assert.Equal("2", entry);
        _dispatch.Drop(ticket);
        Assert.Equal(0, _dispatch.Unacknowledged);
    }

    [Fact]
    public void A_member_that_unsubscribed_is_given_nothing_more_and_keeps_what_it_has()
    {
        Member a = Join("a", 9), b = Join("b", 9);
        Give("0");
        Assert.False(_dispatch.Retire(a));
        Assert.Equal("b b", $"{Give("1")} {Give("2")}");
        Assert.False(_dispatch.HasReturned);
        Assert.Equal((1, 2), (_dispatch.MemberCount, _dispatch.HolderCount));
        Assert.True(_dispatch.Done(a, a.Tickets[0], out _));
        Assert.True(_dispatch.RemoveIfDone(a));
        Assert.Equal(1, _dispatch.HolderCount);
        Assert.False(_dispatch.RemoveIfDone(b));
    }

    [Fact]
    public void What_nobody_may_have_is_told_apart_from_what_nobody_has_room_for()
    {
        Member a = Join("a", 0);
        Join("b", 9);
        Assert.Null(_dispatch.Choose(m => m == a, out bool nobodyMay));
        Assert.False(nobodyMay);
        Assert.Null(_dispatch.Choose(static _ => false, out nobodyMay));
        Assert.True(nobodyMay);
    }

    // Members come, go, unsubscribe and acknowledge in any order; now and then all is forgotten and begins again behind the cursor.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Whatever_members_do_nothing_is_lost_nothing_is_with_two_and_the_cursor_is_the_acknowledged_prefix(int seed)
    {
        for (int i = 0; i < 100; i++)
        {
            new ShareWorld(new Random(seed * 1000 + i)).Run();
        }
    }

    // One that never acknowledges must not make the others' acknowledgements pile up.
    [Fact]
    public void The_order_takes_no_memory_for_what_is_confirmed_behind_one_that_is_not()
    {
        Origin origin = new(ClusterName.Parse("sj"), new Incarnation(1));
        SessionOrder order = new(Cursor.Start, DeliveryRules.All);
        long stuck = order.Give(origin, new Offset(1));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 2; i <= 200_000; i++)
        {
            order.Confirm(order.Give(origin, new Offset(i)));
        }

        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 4096);
        Assert.Equal(1, order.Count);
        Assert.False(order.IsDirty);
        order.Confirm(stuck);
        Assert.Equal(200_000, order.TakeCursor()[origin].Value);
    }

    private Member Join(string name, int room)
    {
        Member member = new(name) { Room = room };
        _dispatch.Join(member);
        return member;
    }

    private string Give(string entry)
    {
        Member member = (Member)_dispatch.Choose(static _ => true, out _)!;
        member.Room--;
        member.Tickets.Add(_dispatch.Give(entry, member));
        return member.Name;
    }

    private sealed class Member(string name) : IShareMember
    {
        public string Name { get; } = name;

        public int Room { get; set; }

        public List<long> Tickets { get; } = [];

        public bool HasRoom => Room > 0;
    }
}
