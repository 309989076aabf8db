using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>Sends a client the retained messages of its new subscriptions, one subscription after another, as the window and the connection
/// have room. Belongs to the session's delivery loop.</summary>
/// <remarks>The partitions of a stream that is still to be gone over are held: what comes from their lanes is given behind the retained
/// messages, which are older. Nothing waits in memory for that, a session is only behind.
/// Each subscription is sent its own, with its own identifier and QoS, also where another matches the same topic.</remarks>
internal sealed class RetainedSender(GatewayServices services, MqttConnection connection, ClientInfo client,
    SessionSubscriptions subscriptions, EventPublisher publisher, OutboundWindow window,
    Func<StreamPartition, PartitionReading?> find, Action<StreamPath> released)
{
    // Looked at before the loop sees to other things.
    private const int TopicsAtOnce = 256;

    private readonly List<RetainedWalk> _walks = [];
    private readonly Dictionary<ushort, RetainedWalk> _sent = [];
    private volatile bool _hasNews;

    /// <summary>Begins to go over a filter's retained messages, anew where that was under way; false when there is none. Nothing is sent
    /// before <see cref="Start"/>.</summary>
    public bool Begin(string filter)
    {
        End(filter);
        RetainedWalk walk = new(filter);
        bool has = walk.HasAny(services.Store);
        if (has)
        {
            _walks.Add(walk);
        }

        return has;
    }

    /// <summary>What was begun may be sent.</summary>
    public void Start() => _walks.ForEach(static walk => walk.IsReady = true);

    /// <summary>The filter is gone, or gone over anew.</summary>
    public void End(string filter)
    {
        int at = _walks.FindIndex(walk => walk.Filter == filter);
        if (at < 0)
        {
            return;
        }

        RetainedWalk walk = _walks[at];
        _walks.RemoveAt(at);
        if (!walk.IsOpen)
        {
            walk.Open(services.Store);
        }

        while (!walk.IsOver)
        {
            released(walk.Leave());
        }
    }

    /// <summary>Whether less is owed than the session's record says, once. Safe from any thread.</summary>
    public bool TakeNews()
    {
        if (!_hasNews)
        {
            return false;
        }

        _hasNews = false;
        return true;
    }

    /// <summary>Whether events of a stream have to wait.</summary>
    public bool Holds(StreamPath stream)
    {
        foreach (RetainedWalk walk in _walks)
        {
            if (walk.IsLeft(services.Store, stream))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The client has one of them.</summary>
    public void Acknowledge(ushort packetId)
    {
        if (_sent.Remove(packetId, out RetainedWalk? walk))
        {
            walk.Unacknowledged--;
            FinishIfDone(walk);
        }
    }

    /// <summary>Sends some; true when there is more to do at once.</summary>
    public async ValueTask<bool> StepAsync(CancellationToken cancellationToken)
    {
        for (int i = 0; i < TopicsAtOnce; i++)
        {
            if (window.IsFull || Current() is not { } walk)
            {
                return false;
            }

            if (!walk.TryTake(services.Store, out RetainedHead head))
            {
                released(walk.Leave());
                FinishIfDone(walk);
                continue;
            }

            if (subscriptions.Find(walk.Filter) is { } subscription && walk.Wants(head.Topic.Span, services.Access, client.Subject)
                && !ComesFromLane(subscription, head))
            {
                await SendAsync(walk, subscription, head, cancellationToken).ConfigureAwait(false);
            }
        }

        return true;
    }

    private RetainedWalk? Current()
    {
        RetainedWalk? walk = _walks.Find(static walk => walk.IsReady && !walk.IsOver);
        if (walk is { IsOpen: false })
        {
            walk.Open(services.Store);
        }

        return walk;
    }

    // Another event may be the retained one by now.
    private async ValueTask SendAsync(RetainedWalk walk, Subscription subscription, RetainedHead head, CancellationToken cancellationToken)
    {
        RetainedMessage? message = await services.Store.RetainedAsync(walk.Stream, head.Topic, cancellationToken)
            .ConfigureAwait(false);
        if (message is null || ComesFromLane(subscription, message.Head))
        {
            return;
        }

        ushort packetId = publisher.PublishRetained(subscription, walk.PrefixUtf8, message);
        if (packetId != 0)
        {
            _sent[packetId] = walk;
            walk.Unacknowledged++;
        }

        if (connection.UnflushedBytes >= services.Options.WriteBufferBytes)
        {
            await connection.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private bool ComesFromLane(Subscription subscription, in RetainedHead head)
    {
        LaneId lane = head.Lane;
        Offset position = find(lane.Partition)?.Reader.Position(lane.Origin)
            ?? subscriptions.Bases.GetValueOrDefault(lane.Partition)?[lane.Origin] ?? Offset.Zero;
        if (head.Offset < position)
        {
            return false;
        }

        foreach (LaneStatus status in services.Store.Lanes(lane.Partition))
        {
            if (status.Lane == lane)
            {
                return RetainedRule.ComesFromLane(subscription, head, position, status.FirstOffset, status.NextOffset);
            }
        }

        return false;
    }

    // All sent and acknowledged: nothing is owed any more.
    private void FinishIfDone(RetainedWalk walk)
    {
        if (!walk.IsOver || walk.Unacknowledged > 0 || !_walks.Remove(walk))
        {
            return;
        }

        if (subscriptions.Find(walk.Filter) is { RetainedOwedFrom: not null } subscription)
        {
            subscriptions.Set(subscription with { RetainedOwedFrom = null });
            _hasNews = true;
        }
    }
}
