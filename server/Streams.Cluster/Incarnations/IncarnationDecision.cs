using Streams.Core;

namespace Streams.Cluster;

/// <summary>Whether a start continues its incarnation or opens a new one (rule R14 as the product builds it).</summary>
/// <param name="Reason">Why.</param>
/// <param name="Detail">For people: one sentence, without a full stop.</param>
public sealed record IncarnationDecision(IncarnationReason Reason, string Detail)
{
    /// <summary>Whether a new incarnation is opened.</summary>
    public bool OpensNew => Reason != IncarnationReason.PlainRestart;

    /// <summary>Decides. Pure: the same facts give the same decision. The first reason that holds is the one named.</summary>
    /// <remarks>Opening one too many costs a lane; continuing one too many would give an offset to two events (invariant 2). So whatever
    /// is doubtful opens.</remarks>
    public static IncarnationDecision Decide(IncarnationFacts facts)
    {
        if (facts.Lost is { } lost)
        {
            return new(IncarnationReason.CatalogLost, lost);
        }

        if (facts.Recorded is not { } recorded)
        {
            return new(IncarnationReason.NewDirectory, "the data directory has no incarnation yet");
        }

        if (facts.RestoreDeclared)
        {
            return new(IncarnationReason.RestoreDeclared, "this start was declared a restore");
        }

        if (!facts.IdentityFile.IsSameFileAs(recorded.IdentityFile))
        {
            return new(IncarnationReason.DirectoryCopied,
                $"the data directory is a copy: its identity file is {facts.IdentityFile}, {recorded.IdentityFile} was recorded");
        }

        return ByWitness(facts, recorded) ?? ByOthers(facts, recorded)
            ?? (facts.Policy == IncarnationPolicy.Always
                ? new(IncarnationReason.PolicyAlways, "a new incarnation at every start is configured")
                : new(IncarnationReason.PlainRestart, $"a plain restart, the {recorded.Starts + 1}. start"));
    }

    /// <summary>The incarnation to write under: the recorded one, or a new one later than any known.</summary>
    public Incarnation Choose(IncarnationFacts facts, TimeProvider time, Random chance) =>
        OpensNew ? Incarnation.After(facts.Highest, time, chance) : facts.Recorded!.Incarnation;

    // The catalog is written before the witness, so a crash between the two leaves the witness behind, never ahead.
    private static IncarnationDecision? ByWitness(IncarnationFacts facts, CatalogRecord recorded)
    {
        if (facts.Witness is not { } witness)
        {
            return null;
        }

        if (witness.Starts > recorded.Starts || witness.Incarnation > recorded.Incarnation)
        {
            return new(IncarnationReason.BehindWitness,
                $"the data directory was rolled back: it knows of {recorded.Starts} starts, the last under {recorded.Incarnation}, "
                + $"its witness saw {witness.Starts}, the last under {witness.Incarnation}");
        }

        return witness.Incarnation == recorded.Incarnation && witness.Entries > facts.OwnEntries
            ? new(IncarnationReason.EntriesMissing,
                $"the data directory holds {facts.OwnEntries} entries of its own lanes, its witness saw {witness.Entries}")
            : null;
    }

    private static IncarnationDecision? ByOthers(IncarnationFacts facts, CatalogRecord recorded)
    {
        if (facts.StoreDamage is { } damage)
        {
            return new(IncarnationReason.StoreDamaged, $"recovery found damage in what had been flushed: {damage}");
        }

        // Writing begins by logging the incarnation, so a store that was ever written under it knows it.
        if (facts.LatestInStore < recorded.Incarnation)
        {
            return new(IncarnationReason.StoreBehindCatalog,
                $"the catalog wrote under {recorded.Incarnation}, the store only {facts.LatestInStore}: its log was lost or is old");
        }

        if (facts.LatestInStore > recorded.Incarnation)
        {
            return new(IncarnationReason.LaterIncarnationKnown,
                $"incarnation {facts.LatestInStore} is known here, the catalog wrote under {recorded.Incarnation}");
        }

        return facts.Neighbours is { } told && (told.Ahead || told.LatestIncarnation > recorded.Incarnation)
            ? new(IncarnationReason.NeighbourHoldsMore, told.Detail)
            : null;
    }
}
