namespace Streams.Gateways;

/// <summary>Who takes a share of the messages of a group.</summary>
internal interface IShareMember
{
    /// <summary>Whether it takes another message now.</summary>
    bool HasRoom { get; }
}

/// <summary>Who of a group is given the next message, which messages are unacknowledged and with whom, and which came back.</summary>
/// <remarks>Pure: no I/O, no clock, no threads. Each message is with one member at a time. Only that member can end it; when it leaves, all
/// that it had comes back, to be given before anything newer. A message that came back is with nobody, so an acknowledgement of the one
/// who had it means nothing any more. Memory: the messages under way.</remarks>
internal sealed class ShareDispatch<TEntry>
{
    private readonly List<IShareMember> _members = [];
    private readonly Dictionary<IShareMember, int> _counts = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<long, Held> _held = [];
    private readonly SortedSet<long> _returned = [];
    private int _turn;
    private long _last;

    /// <summary>Members that are given messages.</summary>
    public int MemberCount => _members.Count;

    /// <summary>Members, and those that are given no more but still have something.</summary>
    public int HolderCount => _counts.Count;

    /// <summary>Messages given and not ended, those that came back included.</summary>
    public int Unacknowledged => _held.Count;

    /// <summary>Whether messages wait to be given again.</summary>
    public bool HasReturned => _returned.Count > 0;

    /// <summary>Whether some member takes a message now.</summary>
    public bool HasRoom
    {
        get
        {
            foreach (IShareMember member in _members)
            {
                if (member.HasRoom)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>A member comes; it is the last in turn.</summary>
    public void Join(IShareMember member)
    {
        _members.Insert(_turn, member);
        _turn++;
        _counts.Add(member, 0);
    }

    /// <summary>The next in turn that has room and may have the message; <see langword="null"/> when there is none now. Nobody may have it
    /// at all: <paramref name="nobodyMay"/>.</summary>
    public IShareMember? Choose(Predicate<IShareMember> may, out bool nobodyMay)
    {
        nobodyMay = true;
        for (int i = 0; i < _members.Count; i++)
        {
            int at = (_turn + i) % _members.Count;
            IShareMember member = _members[at];
            if (!may(member))
            {
                continue;
            }

            nobodyMay = false;
            if (member.HasRoom)
            {
                _turn = (at + 1) % _members.Count;
                return member;
            }
        }

        return null;
    }

    /// <summary>A message is with a member from now on, or, without one, waits as those that came back do; gives its ticket. Tickets
    /// rise.</summary>
    public long Give(TEntry entry, IShareMember? member)
    {
        _held.Add(++_last, new Held(entry, member));
        Count(member, 1);
        if (member is null)
        {
            _returned.Add(_last);
        }

        return _last;
    }

    /// <summary>The oldest message that waits to be given again.</summary>
    public bool TryReturned(out long ticket, out TEntry entry)
    {
        ticket = _returned.Min;
        entry = ticket == 0 ? default! : _held[ticket].Entry;
        return ticket != 0;
    }

    /// <summary>A message that came back is with a member again.</summary>
    public void GiveAgain(long ticket, IShareMember member)
    {
        _returned.Remove(ticket);
        _held[ticket] = _held[ticket] with { Member = member };
        Count(member, 1);
    }

    /// <summary>A message that came back is given to nobody: it is ended.</summary>
    public void Drop(long ticket)
    {
        _returned.Remove(ticket);
        _held.Remove(ticket);
    }

    /// <summary>A member has a message for good, or refused it: it is ended. False when it is not, or no longer, with this
    /// member.</summary>
    public bool Done(IShareMember member, long ticket, out TEntry entry)
    {
        bool isHeld = _held.TryGetValue(ticket, out Held held) && ReferenceEquals(held.Member, member);
        entry = isHeld ? held.Entry : default!;
        if (isHeld)
        {
            _held.Remove(ticket);
            Count(member, -1);
        }

        return isHeld;
    }

    /// <summary>A member does not have this message: it comes back.</summary>
    public void Return(IShareMember member, long ticket)
    {
        if (_held.TryGetValue(ticket, out Held held) && ReferenceEquals(held.Member, member))
        {
            _held[ticket] = held with { Member = null };
            _returned.Add(ticket);
            Count(member, -1);
        }
    }

    /// <summary>A member is given nothing more; what it has stays with it. Gives whether it has nothing and is gone with that.</summary>
    public bool Retire(IShareMember member)
    {
        int at = _members.IndexOf(member);
        if (at >= 0)
        {
            _members.RemoveAt(at);
            _turn = _members.Count == 0 ? 0 : (at < _turn ? _turn - 1 : _turn) % _members.Count;
        }

        return RemoveIfDone(member);
    }

    /// <summary>Whether a member that is given nothing more has nothing left, and is gone with that.</summary>
    public bool RemoveIfDone(IShareMember member) =>
        _counts.TryGetValue(member, out int count) && count == 0 && !_members.Contains(member) && _counts.Remove(member);

    /// <summary>A member is gone: what it has comes back. Gives how many; -1 when it was gone before.</summary>
    public int Leave(IShareMember member)
    {
        if (!_counts.ContainsKey(member))
        {
            return -1;
        }

        List<long> back = [];
        foreach ((long ticket, Held held) in _held)
        {
            if (ReferenceEquals(held.Member, member))
            {
                back.Add(ticket);
            }
        }

        back.ForEach(ticket => Return(member, ticket));
        Retire(member);
        return back.Count;
    }

    private void Count(IShareMember? member, int change)
    {
        if (member is not null)
        {
            _counts[member] += change;
        }
    }

    private readonly record struct Held(TEntry Entry, IShareMember? Member);
}
