using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>The shared subscriptions that have members here. A group without members takes no memory: what is kept of it stands in the
/// log.</summary>
/// <remarks>Safe for use by many threads.</remarks>
internal sealed class ShareGroups
{
    private readonly Dictionary<string, ShareGroup> _groups = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    /// <summary>Groups with members.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _groups.Count;
            }
        }
    }

    /// <summary>Makes a session a member; completes when the group is in the log, flushed. Tells why it was not taken.</summary>
    /// <exception cref="Core.StreamsException">The store does not take the group now.</exception>
    public async ValueTask<Answer?> JoinAsync(GatewayServices services, ShareMember member, CancellationToken cancellationToken)
    {
        while (true)
        {
            ShareGroup? group = Enter(services, member, out bool joined);
            if (group is null)
            {
                return new Answer(MqttReasonCode.QuotaExceeded,
                    $"{services.Options.MaxShareGroups} shared subscriptions are in use");
            }

            if (!joined)
            {
                await group.Ended.WaitAsync(cancellationToken).ConfigureAwait(false);
                continue;
            }

            try
            {
                await group.Opened.WaitAsync(cancellationToken).ConfigureAwait(false);
                return null;
            }
            catch
            {
                _ = group.Leave(member, ShareLeave.Gone, 0);
                throw;
            }
        }
    }

    /// <summary>A group has ended.</summary>
    public void Remove(ShareGroup group)
    {
        lock (_lock)
        {
            if (_groups.TryGetValue(group.Name.Text, out ShareGroup? known) && known == group)
            {
                _groups.Remove(group.Name.Text);
            }
        }
    }

    // Not joined: the group is ending, and comes again when that is done.
    private ShareGroup? Enter(GatewayServices services, ShareMember member, out bool joined)
    {
        lock (_lock)
        {
            if (!_groups.TryGetValue(member.Name.Text, out ShareGroup? group))
            {
                if (_groups.Count >= services.Options.MaxShareGroups)
                {
                    joined = false;
                    return null;
                }

                group = new ShareGroup(services, member.Name);
                _groups.Add(member.Name.Text, group);
                joined = group.TryJoin(member);
                group.Start();
                return group;
            }

            joined = group.TryJoin(member);
            return group;
        }
    }
}
