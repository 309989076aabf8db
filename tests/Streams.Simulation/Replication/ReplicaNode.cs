using Streams.Cluster;

namespace Streams.Simulation;

/// <summary>A node with one replica: does what the replica wants done, on a disk that may lose what is not flushed.</summary>
internal sealed class ReplicaNode(ReplicaWorld world, NodeName name)
{
    private readonly Dictionary<long, long> _waiting = [];     // number to value: published here, not told yet
    private long[] _published = [];
    private ReplicaRecord[] _bodies = [];
    private bool _flushes;
    private long _generation;
    private long _revision;

    public NodeName Name => name;

    public ReplicaDisk Disk { get; } = new();

    public Replica? Replica { get; private set; }

    public long Life { get; private set; }

    /// <summary>Until when its process stands still.</summary>
    public TimeSpan PausedUntil { get; set; }

    /// <summary>Until when it believes in its lease, by its own clock.</summary>
    public TimeSpan BelievesUntil { get; set; }

    public bool IsUp => Replica is not null;

    private bool MayServe => Replica is { MayServe: true } && world.Now < BelievesUntil;

    public void Start()
    {
        _generation++;
        Life = world.Broken == ReplicaFault.OneLife ? name.Value[1] : world.Chance.NextInt64(1, long.MaxValue);
        EpochTable table = new();
        for (int i = 0; i < Disk.Durable.Count; i++)
        {
            table.Add(Disk.Durable[i].Epoch, i + 1);
        }

        Replica = new Replica(name, Life, world.Rules, Disk.Promise, Disk.Durable.Count, table);
        BelievesUntil = TimeSpan.Zero;
        _revision = 0;
        long generation = _generation;
        world.Every(world.Rules.BeatEvery / 2, () => Tick(generation));
        world.KeepLease(this);
    }

    public void Crash()
    {
        _generation++;
        Replica = null;
        _flushes = false;
        _waiting.Clear();
        Disk.Crash(world.Chance);
    }

    public void Learn(ContainerConfig config, IReadOnlyList<NodeName> alive, long revision, long life)
    {
        if (Replica is not null && Life == life && revision > _revision)
        {
            _revision = revision;
            Replica.Alive(alive, world.Now);
            Replica.Learn(config, world.Now);
            Act();
        }
    }

    public void Leased(TimeSpan until, long life)
    {
        if (Replica is not null && Life == life && until > BelievesUntil)
        {
            if (BelievesUntil > TimeSpan.Zero && world.Now >= BelievesUntil)
            {
                Replica.Lease(false, world.Now);         // it was over, for however short a time
            }

            BelievesUntil = world.Broken == ReplicaFault.NoLease ? TimeSpan.MaxValue : until;
            Replica.Lease(world.Now < BelievesUntil, world.Now);
            Act();
        }
    }

    public void Receive(NodeName from, ReplicaFrame frame, ReplicaRecord[] bodies)
    {
        if (Replica is not null)
        {
            _bodies = bodies;
            Replica.Receive(from, frame, world.Now);
            Act(frame as AppendFrame);
        }
    }

    /// <summary>A client publishes.</summary>
    public void Publish(params long[] values)
    {
        if (Replica is null || world.Now >= BelievesUntil)
        {
            return;
        }

        _published = values;
        long first = Replica.Append(values.Length, world.Now);
        for (int i = 0; first > 0 && i < values.Length; i++)
        {
            _waiting[first + i] = values[i];
        }

        Act();
    }

    /// <summary>A client reads.</summary>
    public void Read()
    {
        if (MayServe)
        {
            world.WasRead(this, Replica!.Committed);
        }
    }

    private bool Tick(long generation)
    {
        if (generation != _generation)
        {
            return false;
        }

        if (world.Now >= PausedUntil)
        {
            bool holds = world.Now < BelievesUntil;
            if (holds != Replica!.HasLease)
            {
                Replica.Lease(holds, world.Now);
            }

            Replica.Tick(world.Now);
            Act();
        }

        return true;
    }

    private void Act(AppendFrame? append = null)
    {
        foreach (ReplicaOutput output in Replica!.Take())
        {
            switch (output)
            {
                case PromiseOutput promise:
                    Disk.Promise = promise.Epoch;
                    break;
                case CutOutput cut:
                    Disk.Cut(cut.Last);
                    _waiting.Keys.Where(n => n > cut.Last).ToList().ForEach(n => _waiting.Remove(n));
                    world.WasCut(this, cut.Last);
                    break;
                case WriteOutput write:
                    Disk.Write([.. Enumerable.Range(0, (int)(write.Last - write.First + 1)).Select(i => append is null
                        ? new ReplicaRecord(write.Epoch, _published[i]) : _bodies[(int)(write.First - append.Previous - 1) + i])]);
                    break;
                case SendOutput send:
                    Send(send);
                    break;
                case ProposeOutput propose:
                    world.Propose(this, propose.Config);
                    break;
                case CommitOutput:
                    break;
                default:
                    throw new InvalidOperationException($"{output}");
            }
        }

        Flush();
        Tell();
    }

    private void Send(SendOutput send)
    {
        ReplicaRecord[] bodies = send.Frame is AppendFrame append
            ? [.. Disk.Seen.Skip((int)append.Previous).Take((int)(append.Last - append.Previous))] : [];
        ReplicaFrame frame = send.Frame;
        if (frame is AckFrame && world.Broken == ReplicaFault.AckBeforeFlush)
        {
            frame = new AckFrame(frame.Epoch, Disk.Seen.Count);
        }

        world.Send(name, send.To, frame, bodies);
        if (frame is AckFrame && world.Broken == ReplicaFault.OneIsEnough)
        {
            foreach (NodeName other in world.Names.Where(n => n != name && n != send.To))
            {
                world.Send(other, send.To, frame, bodies);     // as if a primary were content with one answer
            }
        }
    }

    private void Flush()
    {
        if (_flushes || Disk.Pending == 0)
        {
            return;
        }

        _flushes = true;
        int writes = Disk.Pending;
        long generation = _generation;
        long cuts = Replica!.Cuts;
        world.After(world.FlushTime(), () =>
        {
            if (generation == _generation)
            {
                _flushes = false;
                Disk.Flush(writes);
                Replica!.WasFlushed(Disk.Durable.Count, cuts, world.Now);
                Act();
            }
        }, this);
    }

    private void Tell()
    {
        if (!MayServe)
        {
            return;
        }

        foreach (long number in _waiting.Keys.Where(n => n <= Replica!.Committed).ToList())
        {
            _waiting.Remove(number, out long value);
            world.WasTold(this, number, value);
        }
    }
}
