using System.Runtime.ExceptionServices;
using Streams.Core;

namespace Streams.Gateways;

/// <summary>The groups that one session is a member of.</summary>
/// <remarks>Joined and left by one thread at a time (the session's begin, its packets, its end); <see cref="Members"/> is for its delivery
/// loop at the same time.</remarks>
internal sealed class SessionShares(GatewayServices services, ClientInfo client, Action wake)
{
    private readonly List<ShareMember> _retired = [];
    private volatile ShareMember[] _members = [];
    private volatile bool _ended;

    /// <summary>What is handed over through them is written to the client.</summary>
    public ShareMember[] Members => _members;

    /// <summary>Becomes a member, or stays one; tells why not.</summary>
    /// <exception cref="StreamsException">The store does not take the group now.</exception>
    public async ValueTask<Answer?> JoinAsync(ShareName name, CancellationToken cancellationToken)
    {
        if (Find(name.Text) is not null)
        {
            return null;
        }

        ShareMember member = new(name, client, wake);
        if (await services.Shares.JoinAsync(services, member, cancellationToken).ConfigureAwait(false) is { } refusal)
        {
            return refusal;
        }

        _members = [.. _members, member];
        wake();
        return null;
    }

    /// <summary>Whether the session is a member.</summary>
    public ShareMember? Find(string filter) => Array.Find(_members, m => m.Name.Text == filter);

    /// <summary>The client unsubscribed: it is given nothing more. What it was sent stays with it until it is acknowledged, or until the
    /// connection ends (MQTT-3.10.4-3).</summary>
    public async ValueTask LeaveAsync(string filter)
    {
        if (Find(filter) is not { } member)
        {
            return;
        }

        _members = Array.FindAll(_members, m => m != member);
        _retired.RemoveAll(static m => m.IsGone || m.Group!.Ended.IsCompleted);
        _retired.Add(member);
        await member.Group!.Leave(member, ShareLeave.Unsubscribed, 0).ConfigureAwait(false);
    }

    /// <summary>The connection has ended: what the client did not acknowledge goes to others. Where it was the last member, the group's
    /// cursors are committed when this completes. Idempotent.</summary>
    public Task EndAsync()
    {
        if (_ended)
        {
            return Task.CompletedTask;
        }

        _ended = true;
        ShareMember[] all = [.. _members, .. _retired];
        return all.Length == 0 ? Task.CompletedTask
            : Task.WhenAll(Array.ConvertAll(all, m => m.Group!.Leave(m, ShareLeave.Gone, client.ExpirySeconds)));
    }

    /// <summary>How many more messages the session takes.</summary>
    public void SetRoom(int room)
    {
        foreach (ShareMember member in _members)
        {
            member.SetRoom(room);
        }
    }

    /// <summary>Throws what a group failed with.</summary>
    public void ThrowIfFailed()
    {
        foreach (ShareMember member in _members)
        {
            if (member.Failure is { } failure)
            {
                ExceptionDispatchInfo.Throw(failure);
            }
        }
    }
}
