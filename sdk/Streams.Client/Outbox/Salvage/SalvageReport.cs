using Streams.Core;

namespace Streams.Client;

/// <summary>What came of saving a damaged outbox.</summary>
internal sealed class SalvageReport
{
    /// <summary>What was wrong.</summary>
    public required string Why { get; init; }

    /// <summary>Where the damaged file is kept; journal and index beside it.</summary>
    public string Aside { get; set; } = string.Empty;

    /// <summary>Events with a sequence that were saved.</summary>
    public long Events { get; set; }

    /// <summary>Staged events that were saved.</summary>
    public long Staged { get; set; }

    /// <summary>Refused events that were saved.</summary>
    public long Refused { get; set; }

    /// <summary>Consumers that were saved.</summary>
    public long Consumers { get; set; }

    /// <summary>Events known to be missing: gaps tell of them.</summary>
    public long Missing { get; set; }

    /// <summary>Events that could be read and whose stream is not known: they are only in the file that is kept.</summary>
    public long Nameless { get; set; }

    /// <summary>Partitions whose sequences go on far behind the last one seen, as it cannot be proven which were given.</summary>
    public long Leaps { get; set; }

    /// <summary>Tables of which parts could not be read, apart from those whose loss is counted in <see cref="Missing"/>.</summary>
    public string Torn { get; set; } = string.Empty;

    /// <summary>Whose outbox it is.</summary>
    public ProducerId Producer { get; set; }

    /// <summary>Whether the producer is a new one, as the id could not be read.</summary>
    public bool IsNewProducer { get; set; }
}

/// <summary>How far saving has come.</summary>
internal enum SalvageStep
{
    /// <summary>It begins; what an earlier attempt left is gone.</summary>
    Begun,

    /// <summary>What is small is read.</summary>
    NamesRead,

    /// <summary>All is read.</summary>
    Read,

    /// <summary>The new file is whole, and flushed.</summary>
    Written,

    /// <summary>It has the name that says so.</summary>
    Named,

    /// <summary>One of the damaged files is put aside.</summary>
    PutAside,

    /// <summary>The new file has the place of the damaged one.</summary>
    Done,
}
