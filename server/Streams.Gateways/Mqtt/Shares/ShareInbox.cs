namespace Streams.Gateways;

/// <summary>Why a member leaves.</summary>
internal enum ShareLeave
{
    /// <summary>The client unsubscribed.</summary>
    Unsubscribed,

    /// <summary>Its connection ended.</summary>
    Gone,
}

/// <summary>A member that leaves.</summary>
/// <param name="Member">The member.</param>
/// <param name="How">Why.</param>
/// <param name="ExpirySeconds">How long its session is kept.</param>
/// <param name="Done">Completes when what it had can be given to others, and where it was the last, when the group has ended.</param>
internal sealed record ShareLeaving(ShareMember Member, ShareLeave How, uint ExpirySeconds, TaskCompletionSource Done);

/// <summary>What sessions tell the loop of a group. Bounded: by the members, and by what they were given.</summary>
internal sealed class ShareInbox(Action wake)
{
    private readonly Lock _lock = new();
    private readonly List<ShareMember> _joining = [];
    private readonly List<ShareLeaving> _leaving = [];
    private List<(ShareMember Member, long Ticket)> _done = [];
    private List<(ShareMember Member, long Ticket)> _taken = [];
    private bool _closed;

    /// <summary>A member comes; false when the group is ending.</summary>
    public bool TryJoin(ShareMember member)
    {
        lock (_lock)
        {
            if (_closed)
            {
                return false;
            }

            _joining.Add(member);
        }

        wake();
        return true;
    }

    /// <summary>A member leaves; false when the group has forgotten all members.</summary>
    public bool TryLeave(ShareLeaving leaving)
    {
        lock (_lock)
        {
            if (_closed)
            {
                return false;
            }

            _leaving.Add(leaving);
        }

        wake();
        return true;
    }

    /// <summary>A member has a message.</summary>
    public void Done(ShareMember member, long ticket)
    {
        lock (_lock)
        {
            if (_closed)
            {
                return;
            }

            _done.Add((member, ticket));
        }

        wake();
    }

    /// <summary>Takes those who came and those who leave, in this order: a session that leaves came before.</summary>
    public void Take(List<ShareMember> joining, List<ShareLeaving> leaving)
    {
        lock (_lock)
        {
            joining.AddRange(_joining);
            leaving.AddRange(_leaving);
            _joining.Clear();
            _leaving.Clear();
        }
    }

    /// <summary>The messages that members have since the last call; valid until the next.</summary>
    public List<(ShareMember Member, long Ticket)> TakeDone()
    {
        lock (_lock)
        {
            (_done, _taken) = (_taken, _done);
            _done.Clear();
            return _taken;
        }
    }

    /// <summary>Nobody comes any more, unless somebody has, or leaves: then false.</summary>
    public bool TryClose()
    {
        lock (_lock)
        {
            _closed = _joining.Count == 0 && _leaving.Count == 0;
            return _closed;
        }
    }

    /// <summary>Nobody comes any more; gives who did and was not taken.</summary>
    public void Close(List<ShareMember> joining, List<ShareLeaving> leaving)
    {
        lock (_lock)
        {
            _closed = true;
        }

        Take(joining, leaving);
    }
}
