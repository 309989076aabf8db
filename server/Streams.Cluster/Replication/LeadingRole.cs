namespace Streams.Cluster;

/// <summary>Leads an epoch that this process has made: first brings the others to its log, then numbers records.</summary>
internal sealed class LeadingRole : ReplicaRole
{
    private readonly Replica _replica;
    private readonly ContainerConfig _config;
    private readonly Dictionary<NodeName, Peer> _peers = [];
    private readonly long _began;
    private bool _formerIsOver;

    /// <summary>Begins the epoch of a configuration.</summary>
    public LeadingRole(Replica replica, ContainerConfig config, TimeSpan now)
    {
        _replica = replica;
        _config = config;
        _began = replica.Last;
        _formerIsOver = config.Former is not { } former || former == replica.Self;
        foreach (NodeName node in config.Replicas.Append(config.Former ?? replica.Self).Distinct().Where(n => n != replica.Self))
        {
            Peer peer = new(node, config.InSync.Contains(node)) { Next = replica.Last + 1, HeardAt = now, MovedAt = now };
            _peers.Add(node, peer);
            Beat(peer, now);
        }

        Look(now);
    }

    /// <summary>The epoch.</summary>
    public long Epoch => _config.Epoch;

    /// <summary>Whether all that the log had when the epoch began is committed: until then others may have told more; and whether the
    /// former primary serves no more.</summary>
    public bool IsReconciled =>
        _formerIsOver && _replica.Committed >= _began && _peers.Values.All(static p => !p.IsInSync || p.HasAnswered);

    /// <inheritdoc/>
    public override void Receive(NodeName from, ReplicaFrame frame, TimeSpan now)
    {
        if (frame is StaleFrame stale)
        {
            if (stale.Epoch > Epoch)
            {
                _replica.Follow();
            }

            return;
        }

        if (frame.Epoch < Epoch && frame is AppendFrame)
        {
            _replica.Send(from, new StaleFrame(_replica.Promise));
            return;
        }

        if (frame.Epoch != Epoch || !_peers.TryGetValue(from, out Peer? peer))
        {
            return;
        }

        peer.HeardAt = now;
        _formerIsOver |= from == _config.Former;         // it has promised this epoch
        switch (frame)
        {
            case AckFrame ack:
                peer.HasAnswered = true;
                if (ack.Verified > peer.Verified)
                {
                    peer.Verified = ack.Verified;
                    peer.MovedAt = now;
                }

                peer.Next = Math.Max(peer.Next, peer.Verified + 1);
                break;
            case DiffersFrame differs:
                peer.Next = Math.Max(peer.Verified, _replica.Table.CommonWith(differs.Table, _replica.Last, differs.Last)) + 1;
                peer.IsMatched = true;
                Beat(peer, now);
                break;
            default:
                break;
        }

        Look(now);
    }

    /// <inheritdoc/>
    public override void Look(TimeSpan now)
    {
        _formerIsOver |= _config.Former is { } former && !_replica.IsAlive(former);
        Commit();
        foreach (Peer peer in _peers.Values)
        {
            Pump(peer, now);
        }
    }

    /// <inheritdoc/>
    public override void Tick(TimeSpan now)
    {
        ReplicaRules rules = _replica.Rules;
        foreach (Peer peer in _peers.Values)
        {
            if (peer.Next > peer.Verified + 1 && now - peer.MovedAt >= rules.ResendAfter && now - peer.SentAt >= rules.ResendAfter
                && peer.HasAnswered)
            {
                peer.Next = peer.Verified + 1;
                Pump(peer, now);
            }

            if (now - peer.SentAt >= rules.BeatEvery)
            {
                Beat(peer, now);
            }

            if (peer.Verified >= _replica.Last)
            {
                peer.MovedAt = now;                      // it has all: no headway to be made
            }
        }

        Change(now);
    }

    // A record is committed when all in sync have it flushed, and who is about to join as well: it may be in sync already.
    private void Commit()
    {
        if (!_replica.HasLease || _config.InSync.Count < _replica.Rules.MinInSync)
        {
            return;
        }

        long number = _replica.Flushed;
        foreach (Peer peer in _peers.Values)
        {
            if (peer.IsInSync || peer.IsJoining)
            {
                number = Math.Min(number, peer.Verified);
            }
        }

        _replica.Commit(number);
    }

    private void Pump(Peer peer, TimeSpan now)
    {
        if (!peer.HasAnswered && !peer.IsMatched)
        {
            return;                                      // it is not known yet where its log leaves this one
        }

        while (peer.Next <= _replica.Last && peer.Next <= peer.Verified + _replica.Rules.Window)
        {
            long epoch = _replica.Table.EpochOf(peer.Next);
            long last = Math.Min(_replica.Table.RunEnd(peer.Next, _replica.Last), peer.Next + _replica.Rules.FrameRecords - 1);
            _replica.Send(peer.Node, Frame(peer.Next - 1, last, epoch));
            peer.Next = last + 1;
            peer.SentAt = now;
        }
    }

    private void Beat(Peer peer, TimeSpan now)
    {
        long previous = peer.Next - 1;
        _replica.Send(peer.Node, Frame(previous, previous, 0));
        peer.SentAt = now;
    }

    private AppendFrame Frame(long previous, long last, long epoch) =>
        new(Epoch, previous, _replica.Table.EpochOf(previous), last, epoch, _replica.Committed);

    // What the next epoch inherits.
    private ContainerConfig Onward => _formerIsOver ? _config with { Former = null } : _config;

    // One change at a time: first who joins, then who is dropped; never fewer than the minimum stay.
    private void Change(TimeSpan now)
    {
        foreach (Peer peer in _peers.Values)
        {
            if (peer.IsInSync || !peer.HasAnswered || !_config.Replicas.Contains(peer.Node))
            {
                continue;
            }

            bool isLive = now - peer.HeardAt < _replica.Rules.DropAfter
                && (peer.Verified >= _replica.Last || now - peer.MovedAt < _replica.Rules.DropAfter);
            if (!peer.IsProposed)
            {
                peer.IsJoining = isLive && _replica.Last - peer.Verified <= _replica.Rules.JoinWithin;
            }

            // Nothing is committed without it any more; and once it has all that is, or may have been in an earlier epoch, it may be in
            // sync.
            if (peer.IsJoining && peer.Verified >= Math.Max(_replica.Committed, _began) && _replica.Propose(Onward.With(peer.Node), now))
            {
                peer.IsProposed = true;
                return;
            }
        }

        if (_config.InSync.Count <= _replica.Rules.MinInSync)
        {
            return;
        }

        foreach (Peer peer in _peers.Values)
        {
            bool isStuck = now - peer.HeardAt >= _replica.Rules.DropAfter
                || (peer.Verified < _replica.Last && now - peer.MovedAt >= _replica.Rules.DropAfter);
            if (peer.IsInSync && isStuck && _replica.Propose(Onward.Without(peer.Node), now))
            {
                return;
            }
        }
    }

    /// <summary>What is known of another replica in this epoch.</summary>
    private sealed class Peer(NodeName node, bool isInSync)
    {
        public NodeName Node => node;

        public bool IsInSync => isInSync;

        /// <summary>Whether it has nearly all, and is waited for as if it were in sync.</summary>
        public bool IsJoining { get; set; }

        /// <summary>Whether its joining was proposed, and the outcome is not known: it may be in sync.</summary>
        public bool IsProposed { get; set; }

        /// <summary>Whether it has said that its log matches.</summary>
        public bool HasAnswered { get; set; }

        /// <summary>Whether it is known where its log leaves this one.</summary>
        public bool IsMatched { get; set; }

        /// <summary>Flushed there and the same as here up to this number.</summary>
        public long Verified { get; set; }

        /// <summary>The next to be sent.</summary>
        public long Next { get; set; }

        public TimeSpan SentAt { get; set; }

        public TimeSpan HeardAt { get; set; }

        public TimeSpan MovedAt { get; set; }
    }
}
