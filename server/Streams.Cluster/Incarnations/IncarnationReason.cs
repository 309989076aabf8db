namespace Streams.Cluster;

/// <summary>Why a start continues its incarnation or opens a new one.</summary>
public enum IncarnationReason
{
    /// <summary>Nothing speaks against going on: the incarnation is continued.</summary>
    PlainRestart,

    /// <summary>The data directory has no incarnation yet.</summary>
    NewDirectory,

    /// <summary>A small file that tells of earlier starts was damaged, or is missing in a directory that was written.</summary>
    CatalogLost,

    /// <summary>A restore was declared on the command line.</summary>
    RestoreDeclared,

    /// <summary>The directory is a copy: its identity file is not the file that was recorded.</summary>
    DirectoryCopied,

    /// <summary>The witness saw a later start, or a later incarnation, than the directory knows of.</summary>
    BehindWitness,

    /// <summary>The witness saw more entries of the own lanes than the directory holds.</summary>
    EntriesMissing,

    /// <summary>Recovery found damage in what had been flushed, so entries of the own lanes may be lost.</summary>
    StoreDamaged,

    /// <summary>The store does not know the incarnation that the catalog recorded: its log was lost, or is older.</summary>
    StoreBehindCatalog,

    /// <summary>A later incarnation of this cluster is known here, which the catalog did not open.</summary>
    LaterIncarnationKnown,

    /// <summary>A neighbour holds more of the own lanes than the directory does.</summary>
    NeighbourHoldsMore,

    /// <summary>The policy asks for a new incarnation at every start.</summary>
    PolicyAlways,
}
