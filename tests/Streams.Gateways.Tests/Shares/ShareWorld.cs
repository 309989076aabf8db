using Streams.Core;

namespace Streams.Gateways.Tests;

/// <summary>A group over two lanes, whose members do anything at any time, beside a plain account of what is with whom. The order and the
/// dispatch are the product's own.</summary>
internal sealed class ShareWorld(Random chance)
{
    private const int Events = 60;

    private readonly Origin[] _lanes = [new(ClusterName.Parse("sj"), new Incarnation(1)), new(ClusterName.Parse("ny"), new Incarnation(1))];
    private readonly List<Member> _members = [];
    private readonly HashSet<(int Lane, int Offset)> _acknowledged = [];
    private readonly Dictionary<(int Lane, int Offset), Member> _with = [];
    private readonly Dictionary<(int Lane, int Offset), int> _given = [];
    private readonly Dictionary<(int Lane, int Offset), int> _returned = [];
    private readonly int[] _next = new int[2];
    private ShareDispatch<Entry> _dispatch = new();
    private SessionOrder _order = new(Cursor.Start, DeliveryRules.All);
    private Cursor _cursor = Cursor.Start;
    private bool _calm;

    public void Run()
    {
        for (int step = 0; step < 600; step++)
        {
            Step(chance.Next(12));
        }

        _calm = true;
        Join();
        while (_acknowledged.Count < 2 * Events)
        {
            GiveNext();
            foreach (Member member in _members.ToArray())
            {
                while (member.Has.Count > 0)
                {
                    Acknowledge(member);
                }
            }
        }

        Commit();
        Assert.All(_lanes, lane => Assert.Equal(Events, _cursor[lane].Value));
        Assert.Equal(0, _dispatch.Unacknowledged);
        foreach (((int Lane, int Offset) place, int times) in _given)
        {
            Assert.True(times - 1 <= _returned.GetValueOrDefault(place), $"{place} was given {times} times");
        }
    }

    private void Step(int what)
    {
        Member? member = _members.Count == 0 ? null : _members[chance.Next(_members.Count)];
        switch (what)
        {
            case 0 when _members.Count < 4:
                Join();
                break;
            case 1 when member is not null && chance.Next(3) == 0:
                Leave(member);
                break;
            case 2 when member is { IsRetired: false } && chance.Next(3) == 0:
                member.IsRetired = true;
                if (_dispatch.Retire(member))
                {
                    _members.Remove(member);
                }

                break;
            case 3 when chance.Next(20) == 0:
                Restart();
                break;
            case 4:
                Commit();
                break;
            case < 8 when member is { Has.Count: > 0 }:
                Acknowledge(member);
                break;
            default:
                GiveNext();
                break;
        }
    }

    private void Join()
    {
        Member member = new() { Size = 1 + chance.Next(5) };
        _members.Add(member);
        _dispatch.Join(member);
    }

    private void Leave(Member member)
    {
        Assert.Equal(member.Has.Count, _dispatch.Leave(member));
        Forget(member);
    }

    private void Forget(Member member)
    {
        foreach ((_, Entry entry) in member.Has)
        {
            Assert.True(_with.Remove(entry.Place));
            _returned[entry.Place] = _returned.GetValueOrDefault(entry.Place) + 1;
        }

        _members.Remove(member);
    }

    // The process is killed: what was acknowledged behind the committed cursor comes again as well.
    private void Restart()
    {
        _members.ToList().ForEach(Forget);
        _dispatch = new ShareDispatch<Entry>();
        _order = new SessionOrder(_cursor, DeliveryRules.All);
        for (int lane = 0; lane < 2; lane++)
        {
            _next[lane] = (int)_cursor[_lanes[lane]].Value;
            for (int offset = _next[lane]; offset < Events; offset++)
            {
                if (_acknowledged.Remove((lane, offset)))
                {
                    _returned[(lane, offset)] = _returned.GetValueOrDefault((lane, offset)) + 1;
                }
            }
        }
    }

    private void GiveNext()
    {
        if (!_dispatch.HasRoom)
        {
            Assert.DoesNotContain(_members, static m => m.HasRoom && !m.IsRetired);
            return;
        }

        if (_dispatch.TryReturned(out long ticket, out Entry entry))
        {
            Member again = (Member)_dispatch.Choose(static _ => true, out _)!;
            _dispatch.GiveAgain(ticket, again);
            Hand(again, ticket, entry);
            return;
        }

        int lane = _next[0] == Events ? 1 : _next[1] == Events ? 0 : chance.Next(2);
        if (_next[lane] == Events)
        {
            return;
        }

        int offset = _next[lane]++;
        if (!_calm && chance.Next(6) == 0)
        {
            // Not for this group: it needs nobody.
            _order.Pass(_lanes[lane], new Offset(offset + 1));
            _acknowledged.Add((lane, offset));
            return;
        }

        Entry next = new((lane, offset), _order.Give(_lanes[lane], new Offset(offset + 1)));
        Member member = (Member)_dispatch.Choose(static _ => true, out _)!;
        Hand(member, _dispatch.Give(next, member), next);
    }

    private void Hand(Member member, long ticket, Entry entry)
    {
        Assert.False(member.IsRetired);
        Assert.DoesNotContain(entry.Place, _acknowledged);
        Assert.True(_with.TryAdd(entry.Place, member), $"{entry.Place} is with two");
        member.Has.Add((ticket, entry));
        _given[entry.Place] = _given.GetValueOrDefault(entry.Place) + 1;
    }

    private void Acknowledge(Member member)
    {
        int at = chance.Next(member.Has.Count);
        (long ticket, Entry entry) = member.Has[at];
        member.Has.RemoveAt(at);
        Member? stranger = _members.Find(m => m != member);
        Assert.False(stranger is not null && _dispatch.Done(stranger, ticket, out _));
        Assert.True(_dispatch.Done(member, ticket, out Entry done));
        Assert.Equal(entry, done);
        Assert.False(_dispatch.Done(member, ticket, out _));
        Assert.True(_with.Remove(entry.Place));
        _acknowledged.Add(entry.Place);
        _order.Confirm(entry.Ticket);
        if (_dispatch.RemoveIfDone(member))
        {
            Assert.True(member.IsRetired);
            _members.Remove(member);
        }
    }

    // Rule R9: nothing before the cursor is owed to anybody.
    private void Commit()
    {
        Cursor cursor = _order.TakeCursor();
        for (int lane = 0; lane < 2; lane++)
        {
            long to = cursor[_lanes[lane]].Value;
            Assert.True(to >= _cursor[_lanes[lane]].Value);
            for (int offset = 0; offset < to; offset++)
            {
                Assert.Contains((lane, offset), _acknowledged);
            }
        }

        if (_with.Count == 0 && !_dispatch.HasReturned)
        {
            Assert.Equal([_next[0], _next[1]], _lanes.Select(lane => (int)cursor[lane].Value));
        }

        _cursor = cursor;
    }

    private readonly record struct Entry((int Lane, int Offset) Place, long Ticket);

    private sealed class Member : IShareMember
    {
        public required int Size { get; init; }

        public bool IsRetired { get; set; }

        public List<(long Ticket, Entry Entry)> Has { get; } = [];

        public bool HasRoom => Has.Count < Size;
    }
}
