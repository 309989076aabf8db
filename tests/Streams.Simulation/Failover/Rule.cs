namespace Streams.Simulation;

/// <summary>The rules that a world can be played without, by the names that the model gives them. Each is taken away by substituting one
/// decision; everything else stays the product's.</summary>
internal enum Rule
{
    /// <summary>R1: hello counts only what is flushed.</summary>
    DurableHello,

    /// <summary>R3: held sequences are a set of runs, not a highest number.</summary>
    Ranges,

    /// <summary>R2: each batch names its predecessor; another is refused.</summary>
    Pred,

    /// <summary>R6: after hello, "already held" looks only at the own lane.</summary>
    OwnMid,

    /// <summary>R4: every batch carries <c>after</c>, not only the first of a session.</summary>
    AfterAll,

    /// <summary>R5: <c>after</c> names every lane the producer stands in, not only the last.</summary>
    AfterVec,

    /// <summary>R5: where events stand is kept as it is known when it is written, not as it was when the answer came.</summary>
    StandLate,

    /// <summary>R9: a skip has its place in the session's order.</summary>
    Prefix,

    /// <summary>R10: a gap is no ground for skipping a twin.</summary>
    Jumps,

    /// <summary>Invariant 5: what has passed a cluster is not offered to it.</summary>
    Path,

    /// <summary>R12: the replication path names incarnations, not clusters; and R13: what is asked for goes out.</summary>
    PathInc,

    /// <summary>R16: joined state goes with every link start, and is passed on.</summary>
    SnapOn,

    /// <summary>R8: runs in snapshots count as held only below the first kept entry.</summary>
    SnapHeld,

    /// <summary>R14: a start that lost data opens a new incarnation.</summary>
    Boot,

    /// <summary>R7: event identity holds the epoch of the outbox.</summary>
    Epoch,

    /// <summary>R11: of two rewinds at once one wins whole.</summary>
    GenTie,

    /// <summary>R11: a rewind makes the SDK forget what it got at or behind the new position.</summary>
    GenWindow,

    /// <summary>R19e: a twin is skipped only behind the confirmed position.</summary>
    Ground,

    /// <summary>R19d: the cursor stays before what is held back.</summary>
    KeepBack,

    /// <summary>R19b: a dependency is not passed while the producer has something held back at or below it.</summary>
    Chain,

    /// <summary>R15: a dependency on a closed incarnation is released.</summary>
    Closed,

    /// <summary>R17: what was given is remembered, with the cursor, over restarts of the device.</summary>
    Memory,
}
