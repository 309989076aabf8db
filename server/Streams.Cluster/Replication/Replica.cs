namespace Streams.Cluster;

/// <summary>How a replica stands to its container.</summary>
public enum ReplicaStanding
{
    /// <summary>It is not in sync, or does not know that it is.</summary>
    Outsider,

    /// <summary>It is in sync and takes records from the primary.</summary>
    Follower,

    /// <summary>It has made an epoch and brings the others to its log; nothing is served yet.</summary>
    Candidate,

    /// <summary>It numbers records; what it had when its epoch began is committed.</summary>
    Primary,
}

/// <summary>One replica of a container: what it knows, and what it decides. The primary numbers records and sends them to the others; a
/// record is committed when all in sync have flushed it, never with fewer than the declared minimum. Who is in sync and who is the primary
/// stands in the catalog; each change there makes an epoch, and frames of earlier epochs are refused.</summary>
/// <remarks>After PacificA (Lin, Yang, Zhang, Zhou: PacificA, Replication in Log-Based Distributed Storage Systems, 2008), with the epochs
/// of records compared as in Raft. Pure and single-threaded: input in, <see cref="Take"/> gives what is to be done. Records are numbered
/// from 1; bodies are the caller's. Time is since any fixed moment.</remarks>
public sealed class Replica
{
    private readonly List<ReplicaOutput> _outputs = [];
    private readonly HashSet<NodeName> _alive = [];
    private ReplicaRole _role;
    private ContainerConfig? _proposed;
    private TimeSpan _proposedAt;
    private TimeSpan? _aloneSince;

    /// <summary>A replica as it was kept.</summary>
    /// <param name="self">Its node.</param>
    /// <param name="life">Random id of this process; not 0.</param>
    /// <param name="rules">The limits.</param>
    /// <param name="promise">The durable promise; 0 at first.</param>
    /// <param name="last">The last record of the durable log; 0 when it is empty.</param>
    /// <param name="table">The epochs of the log.</param>
    /// <param name="committed">A number up to which everything is known to be committed; 0 is always right.</param>
    public Replica(NodeName self, long life, ReplicaRules rules, long promise, long last, EpochTable table, long committed = 0)
    {
        (Self, Life, Rules, Promise, Last, Flushed, Table, Committed) = (self, life, rules, promise, last, last, table, committed);
        _role = new FollowingRole(this);
    }

    /// <summary>Its node.</summary>
    public NodeName Self { get; }

    /// <summary>Random id of this process.</summary>
    public long Life { get; }

    /// <summary>The limits.</summary>
    public ReplicaRules Rules { get; }

    /// <summary>Frames of earlier epochs are refused.</summary>
    public long Promise { get; private set; }

    /// <summary>The last record of the log, flushed or not.</summary>
    public long Last { get; private set; }

    /// <summary>The last record that is flushed.</summary>
    public long Flushed { get; private set; }

    /// <summary>How often the log was cut: a flush that began before a cut says nothing of what came after it.</summary>
    public long Cuts { get; private set; }

    /// <summary>The epochs of the log.</summary>
    public EpochTable Table { get; }

    /// <summary>Up to here everything is known to be committed.</summary>
    public long Committed { get; private set; }

    /// <summary>What the catalog said last.</summary>
    public ContainerConfig? Config { get; private set; }

    /// <summary>Whether the node believes in its lease.</summary>
    public bool HasLease { get; private set; }

    /// <summary>How it stands.</summary>
    public ReplicaStanding Standing => _role is LeadingRole leading
        ? leading.IsReconciled ? ReplicaStanding.Primary : ReplicaStanding.Candidate
        : Config?.InSync.Contains(Self) == true && Config.Epoch >= Promise ? ReplicaStanding.Follower : ReplicaStanding.Outsider;

    /// <summary>Whether what is committed may be told and served: it is the primary, and its lease holds.</summary>
    public bool MayServe => HasLease && Standing == ReplicaStanding.Primary;

    /// <summary>What is to be done since the last call, in order.</summary>
    public IReadOnlyList<ReplicaOutput> Take()
    {
        ReplicaOutput[] taken = [.. _outputs];
        _outputs.Clear();
        return taken;
    }

    /// <summary>The catalog tells who keeps the container.</summary>
    public void Learn(ContainerConfig config, TimeSpan now)
    {
        if (Config is not null && config.Epoch <= Config.Epoch)
        {
            return;
        }

        Config = config;
        _aloneSince = null;
        if (_proposed?.Epoch <= config.Epoch)
        {
            _proposed = null;
        }

        if (config.Primary == Self && config.Life == Life && config.Epoch >= Promise)
        {
            PromiseUpTo(config.Epoch);
            _role = new LeadingRole(this, config, now);
        }
        else
        {
            Follow();
        }

        Consider(now);
    }

    /// <summary>The catalog tells which nodes are alive: those whose leases hold. Never an older answer after a newer one, nor one older
    /// than the configuration that was told last.</summary>
    public void Alive(IEnumerable<NodeName> nodes, TimeSpan now)
    {
        _alive.Clear();
        _alive.UnionWith(nodes);
        _role.Look(now);
        Consider(now);
    }

    /// <summary>The node's lease holds, or does not any more. That it was lost is told before another one is.</summary>
    public void Lease(bool holds, TimeSpan now)
    {
        HasLease = holds;
        if (!holds)
        {
            Follow();                                    // others may take over from now on: what it served is served by its epoch no more
        }

        _role.Look(now);
        Consider(now);
    }

    /// <summary>A frame came.</summary>
    public void Receive(NodeName from, ReplicaFrame frame, TimeSpan now)
    {
        if (frame.Epoch > Promise && _role is LeadingRole)
        {
            Follow();                                    // a later epoch has begun without it
        }

        _role.Receive(from, frame, now);
    }

    /// <summary>Records up to a number are flushed.</summary>
    /// <param name="last">The number.</param>
    /// <param name="cuts">What <see cref="Cuts"/> was when the flush began.</param>
    /// <param name="now">The time.</param>
    public void WasFlushed(long last, long cuts, TimeSpan now)
    {
        if (cuts == Cuts && last > Flushed)
        {
            Flushed = last;
            _role.Look(now);
        }
    }

    /// <summary>Time goes on.</summary>
    public void Tick(TimeSpan now)
    {
        _role.Tick(now);
        Consider(now);
    }

    /// <summary>Numbers new records; the caller writes them.</summary>
    /// <returns>The number of the first; 0 when this is not the primary, or its lease does not hold: nothing is taken.</returns>
    public long Append(int records, TimeSpan now)
    {
        if (_role is not LeadingRole leading || !MayServe)
        {
            return 0;
        }

        long first = Last + 1;
        Write(first, Last + records, leading.Epoch);
        leading.Look(now);
        return first;
    }

    internal bool IsAlive(NodeName node) => _alive.Contains(node);

    internal void Send(NodeName to, ReplicaFrame frame) => _outputs.Add(new SendOutput(to, frame));

    internal void PromiseUpTo(long epoch)
    {
        if (epoch > Promise)
        {
            Promise = epoch;
            _outputs.Add(new PromiseOutput(epoch));
        }
    }

    internal void Follow()
    {
        if (_role is not FollowingRole)
        {
            _role = new FollowingRole(this);
        }
    }

    internal void Write(long first, long last, long epoch)
    {
        Table.Add(epoch, first);
        Last = last;
        _outputs.Add(new WriteOutput(first, last, epoch));
    }

    internal void Cut(long last)
    {
        if (last < Committed)
        {
            throw new InvalidOperationException(
                $"{Self}: told to cut the log behind {last}, but everything up to {Committed} is committed: replicas have diverged");
        }

        Table.CutAfter(last);
        Last = last;
        Flushed = Math.Min(Flushed, last);
        Cuts++;
        _outputs.Add(new CutOutput(last));
    }

    internal void Commit(long number)
    {
        if (number > Committed)
        {
            Committed = number;
            _outputs.Add(new CommitOutput(number));
        }
    }

    internal bool Propose(ContainerConfig config, TimeSpan now)
    {
        if (!HasLease || (_proposed is not null && now - _proposedAt < Rules.ProposeAgainAfter))
        {
            return false;
        }

        _proposed = config with { Life = Life };
        _proposedAt = now;
        _outputs.Add(new ProposeOutput(_proposed));
        return true;
    }

    // Whether this one should be the primary.
    private void Consider(TimeSpan now)
    {
        if (_role is LeadingRole || Config is not { } config || config.Epoch < Promise || !HasLease)
        {
            _aloneSince = null;
        }
        else if (config.Primary == Self)
        {
            Propose(config.RenewedBy(Self), now);
        }
        else if (!config.InSync.Contains(Self) || _alive.Contains(config.Primary))
        {
            _aloneSince = null;
        }
        else
        {
            _aloneSince ??= now;
            int before = config.InSync.TakeWhile(n => n != Self).Count(n => _alive.Contains(n));
            if (now - _aloneSince >= before * Rules.TakeOverStagger)
            {
                Propose(config.TakenOverBy(Self, Rules.MinInSync), now);
            }
        }
    }
}
