using Streams.Core;

namespace Streams.Cluster;

/// <summary>What neighbours told when they were asked at the start.</summary>
/// <param name="Ahead">Whether one of them holds more of the own lanes, or knows of a later incarnation.</param>
/// <param name="Detail">Who and what, for people.</param>
/// <param name="LatestIncarnation">The latest incarnation of this cluster that any of them knows.</param>
public sealed record NeighbourReport(bool Ahead, string Detail, Incarnation LatestIncarnation);

/// <summary>Everything that the decision between going on and opening a new incarnation looks at.</summary>
public sealed record IncarnationFacts
{
    /// <summary>The policy configured.</summary>
    public IncarnationPolicy Policy { get; init; }

    /// <summary>Whether this start was declared a restore.</summary>
    public bool RestoreDeclared { get; init; }

    /// <summary>What the catalog in the data directory says, or <see langword="null"/> when there is none yet.</summary>
    public CatalogRecord? Recorded { get; init; }

    /// <summary>Which of the small files was damaged or is missing though the directory was written, for people; else
    /// <see langword="null"/>.</summary>
    public string? Lost { get; init; }

    /// <summary>The identity file as it is now.</summary>
    public FileMark IdentityFile { get; init; }

    /// <summary>What the witness outside the data directory says, or <see langword="null"/> when there is none.</summary>
    public WitnessRecord? Witness { get; init; }

    /// <summary>The latest incarnation of this cluster that the recovered container knows, or the default.</summary>
    public Incarnation LatestInStore { get; init; }

    /// <summary>Entries in the own lanes of the recorded incarnation after recovery, summed over the lanes' next entry numbers.</summary>
    public long OwnEntries { get; init; }

    /// <summary>What recovery found damaged of what had been flushed, for people, or <see langword="null"/>.</summary>
    public string? StoreDamage { get; init; }

    /// <summary>What neighbours told, or <see langword="null"/> when none was asked or none answered in time.</summary>
    public NeighbourReport? Neighbours { get; init; }

    /// <summary>The highest incarnation of this cluster that anything here knows: a new one must be later.</summary>
    public Incarnation Highest
    {
        get
        {
            ulong highest = Math.Max(Recorded?.Incarnation.Value ?? 0, Witness?.Incarnation.Value ?? 0);
            return new Incarnation(Math.Max(highest, Math.Max(LatestInStore.Value, Neighbours?.LatestIncarnation.Value ?? 0)));
        }
    }
}
