using Microsoft.Extensions.Logging.Abstractions;
using Streams.Cluster;
using Streams.Core;
using Streams.Geo;
using Streams.Storage;
using Streams.Testing;

namespace Streams.Simulation;

/// <summary>A cluster of one node: its disk with the product's log on it, its catalog, the witness outside, and its life while it
/// runs.</summary>
internal sealed class SimCluster(World world, char letter)
{
    private static readonly TimeSpan StartGrace = new GeoOptions().StartGrace;

    private SimulatedDisk _disk = new();
    private CatalogRecord? _catalog;
    private WitnessRecord? _witness;
    private FileMark _identity = new(1, 1);
    private ulong _identities = 1;
    private (SimulatedDisk Disk, CatalogRecord? Catalog)? _aside;
    private HorizonMemory _memory = world.KnownBefore(letter);
    private bool _isRolledBack;

    public char Letter => letter;

    public ClusterName Name { get; } = ClusterName.Parse(char.ToLowerInvariant(letter).ToString());

    /// <summary>Its process, while it runs.</summary>
    public ClusterLife? Life { get; private set; }

    public bool IsUp => Life is not null;

    public bool IsWriting => Life is { IsWriting: true };

    /// <summary>Whether it has joined the world.</summary>
    public bool HasJoined { get; set; } = true;

    public bool HasAside => _aside is not null;

    /// <summary>Batches that wait for their flush.</summary>
    public List<(ClusterLife Life, BatchMessage Batch)> Unflushed { get; } = [];

    /// <summary>Starts as the server does (rule R14): recovers, decides from what the directory, the witness and the neighbours say, and
    /// only then takes events.</summary>
    public void Start()
    {
        ContainerOptions options = new()
        {
            Disk = _disk.Mount(), SegmentBytes = 16 << 10, AllocationBytes = 4 << 10, PartitionletBytes = 4 << 10,
        };
        Container container = Container.OpenAsync(options, world.Time, new Random(world.Chance.Next()), NullLogger.Instance,
            CancellationToken.None).AsTask().Result;
        ClusterLife life = new(world, this, container);
        Life = life;
        (Incarnation incarnation, IncarnationReason reason) = Decide(life);
        world.Tally.Add("start: " + reason);
        world.Trace?.Add($"{letter} starts ({reason})");
        Begin(incarnation);
        world.Go(async () =>
        {
            await container.StartWritingAsync(new Origin(Name, incarnation), CancellationToken.None);
            life.Horizon = new Horizon(life.Lanes, _memory, memory => _memory = memory, StartGrace, world.Time);
            life.Horizon.Grew = life.Horizon.Keep;
            world.LinksOf(life);
            life.IsWriting = true;
        });
    }

    /// <summary>The process ends. What it had under way is lost, or kept, or torn, as the disk has it.</summary>
    public void Stop(bool powerFails)
    {
        if (Life is not { } life)
        {
            return;
        }

        life.IsUp = life.IsWriting = false;
        Life = null;
        if (powerFails)
        {
            _disk.Crash(world.Chance);
        }
        else
        {
            _disk.Kill();
        }

        world.Forget(life);
    }

    /// <summary>The process ends while the disk is at work: at one of its next steps.</summary>
    public void StopInWrite()
    {
        _disk.StopAt = _disk.Steps + 1 + world.Chance.Next(4);
        for (int i = 0; i < 6 && world.Scheduler.RunOne(); i++)
        {
        }

        Stop(powerFails: true);
    }

    /// <summary>The disk will refuse one of the next flushes, and all that comes behind it.</summary>
    public void RefuseFlush()
    {
        _disk.StopsAfterRefusal = true;
        _disk.RefuseFlushAfter = world.Chance.Next(3);
    }

    /// <summary>Everything is gone but the witness, which may be gone too.</summary>
    public void Wipe()
    {
        Stop(powerFails: false);
        _disk = new SimulatedDisk();
        _catalog = null;
        _aside = null;
        _identity = new FileMark(++_identities, (long)_identities);
        _memory = HorizonMemory.Empty;
        _witness = world.Chance.Next(2) == 0 ? null : _witness;
    }

    /// <summary>Puts a copy of the data directory aside, as an operator's backup or an image of a machine would.</summary>
    public void PutAside() => _aside = (_disk.CopyOfDurable(), _catalog);

    /// <summary>Sets the data directory back to the copy. The witness, which is kept outside, stays.</summary>
    public void RollBack()
    {
        Stop(powerFails: false);
        (_disk, _catalog) = _aside!.Value;
        _aside = null;
        _isRolledBack = true;
        if (world.Chance.Next(2) == 0)
        {
            _identity = new FileMark(++_identities, (long)_identities);     // files copied; else an image of the whole disk
        }
    }

    /// <summary>The witness is told how far the own lanes are, as the server does every few seconds.</summary>
    public void Observe()
    {
        if (Life is { IsWriting: true } life)
        {
            Origin own = life.Origin;
            _witness = new WitnessRecord(Name, own.Incarnation, _catalog!.Starts, OwnEntries(life, own));
        }
    }

    /// <summary>Opens a new incarnation because a link found a reason (rules R12, R14), once however many find it.</summary>
    public void OpenIncarnation(ClusterLife life, OpenIncarnation open)
    {
        if (life.IsOpening || life.Origin != open.Seen || !life.IsUp)
        {
            return;
        }

        life.IsOpening = true;
        world.Tally.Add("incarnations opened while running");
        world.Trace?.Add($"{letter} opens a new incarnation: {open.Reason}");
        world.Go(async () =>
        {
            long logEnd = life.Container.Status().Bytes;
            await life.Container.OpenIncarnationAsync(open.Reason, CancellationToken.None);
            life.IsOpening = false;
            if (life.IsUp)
            {
                _catalog = _catalog! with { Incarnation = life.Origin.Incarnation, OpenedAt = logEnd };
                _witness = new WitnessRecord(Name, life.Origin.Incarnation, _catalog.Starts, 0);
            }
        });
    }

    private static long OwnEntries(ClusterLife life, Origin own)
    {
        long entries = 0;
        foreach (LaneStatus status in life.Container.Lanes())
        {
            entries += status.Lane.Origin == own ? status.NextEntry.Value : 0;
        }

        return entries;
    }

    private (Incarnation Incarnation, IncarnationReason Reason) Decide(ClusterLife life)
    {
        Container container = life.Container;
        Origin recorded = new(Name, _catalog?.Incarnation ?? default);
        IncarnationFacts facts = new()
        {
            Policy = world.Policy,
            Recorded = _catalog,
            IdentityFile = _identity,
            Witness = _witness,
            LatestInStore = container.LatestIncarnation(Name) ?? default,
            OwnEntries = OwnEntries(life, recorded),
            StoreDamage = container.Recovery.IsDamagedBehind(_catalog?.OpenedAt ?? 0) ? "damaged" : null,
        };
        if (!world.Keeps(Rule.Boot) && _catalog is not null && facts.LatestInStore != default)
        {
            return (facts.LatestInStore, IncarnationReason.PlainRestart);
        }

        IncarnationDecision decision = IncarnationDecision.Decide(facts);
        if (!decision.OpensNew && facts.OwnEntries > 0)
        {
            facts = facts with { Neighbours = world.AskNeighbours(life) };
            decision = IncarnationDecision.Decide(facts);
        }

        if (_isRolledBack && !decision.OpensNew)
        {
            // What remains of F8(b): the copy is younger than what the witness saw, and no neighbour has the tail. Whoever restores
            // declares it.
            world.Tally.Add("roll-backs that only the operator could declare");
            facts = facts with { RestoreDeclared = true };
            decision = IncarnationDecision.Decide(facts);
        }

        _isRolledBack = false;
        return (decision.Choose(facts, world.Time, world.Chance), decision.Reason);
    }

    // The catalog first, then the witness: a crash between the two leaves the witness behind, never ahead.
    private void Begin(Incarnation incarnation)
    {
        if (_catalog is null)
        {
            _identity = new FileMark(++_identities, (long)_identities);
        }

        bool goesOn = incarnation == _catalog?.Incarnation;
        _catalog = new CatalogRecord(Name, incarnation, (_catalog?.Starts ?? 0) + 1, _identity)
        {
            OpenedAt = goesOn ? _catalog!.OpenedAt : Life!.Container.Status().Bytes,
        };
        if (world.Chance.Next(20) > 0)
        {
            _witness = new WitnessRecord(Name, incarnation, _catalog.Starts, OwnEntries(Life!, new Origin(Name, incarnation)));
        }
    }
}
