namespace Streams.Simulation;

/// <summary>What must never be, by the numbers of the model.</summary>
internal enum Violation
{
    /// <summary>An event was lost, or given twice to a reader that is given each once.</summary>
    LostOrTwice = 1,

    /// <summary>Events of one producer were given out of order.</summary>
    Inversion = 2,

    /// <summary>An offset names two events.</summary>
    TwoNames = 3,

    /// <summary>Cursors, or other joined state, stay different, or go back within a generation.</summary>
    CursorsDiffer = 4,

    /// <summary>Something was offered to a cluster on its path that had not asked for it.</summary>
    Path = 5,

    /// <summary>A device let go of an event that the cluster does not hold.</summary>
    Dropped = 6,

    /// <summary>Something waits for ever.</summary>
    Waits = 7,

    /// <summary>Two machines of the product misunderstood each other, or one threw.</summary>
    Protocol = 8,
}
