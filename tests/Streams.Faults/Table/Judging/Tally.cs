namespace Streams.Faults;

/// <summary>What was counted at the readers of one run, or of all runs of a row.</summary>
internal sealed record Tally
{
    /// <summary>Publishes that returned.</summary>
    public long Published { get; init; }

    /// <summary>Of these, what a cluster acknowledged to the device.</summary>
    public long Acknowledged { get; init; }

    /// <summary>Published, not given, and not told to be dropped.</summary>
    public long Lost { get; init; }

    /// <summary>Given a second time, or given although publishing had failed or been refused.</summary>
    public long Duplicate { get; init; }

    /// <summary>Given again to a reader that was killed before its acknowledgement was due on its disk.</summary>
    public long Again { get; init; }

    /// <summary>Given behind a later one of the same topic.</summary>
    public long OutOfOrder { get; init; }

    /// <summary>Published and not given, under a policy that allows it.</summary>
    public long Dropped { get; init; }

    /// <summary>Events that the gaps in the stream tell of.</summary>
    public long ToldByGaps { get; init; }

    /// <summary>What else broke a promise, a text each; the first of everything that was counted is described here too.</summary>
    public IReadOnlyList<string> Findings { get; init; } = [];

    public bool IsGood => Lost == 0 && Duplicate == 0 && OutOfOrder == 0 && Dropped == ToldByGaps && Findings.Count == 0;

    public Tally Plus(Tally other) => new()
    {
        Published = Published + other.Published,
        Acknowledged = Acknowledged + other.Acknowledged,
        Lost = Lost + other.Lost,
        Duplicate = Duplicate + other.Duplicate,
        Again = Again + other.Again,
        OutOfOrder = OutOfOrder + other.OutOfOrder,
        Dropped = Dropped + other.Dropped,
        ToldByGaps = ToldByGaps + other.ToldByGaps,
        Findings = [.. Findings, .. other.Findings],
    };
}
