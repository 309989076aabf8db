namespace Streams.Faults;

/// <summary>What all runs of a row gave.</summary>
internal sealed record RowResult(FaultRow Row)
{
    /// <summary>Runs in which the fault was met.</summary>
    public int Runs { get; init; }

    /// <summary>Why it was not played; <see langword="null"/> when it was.</summary>
    public string? Skipped { get; init; }

    public Tally Tally { get; init; } = new();

    /// <summary>Each time it took to go on.</summary>
    public IReadOnlyList<TimeSpan> GoneOnAfter { get; init; } = [];

    public bool IsGood => Skipped is null && Tally.IsGood && Runs > 0;

    public bool IsBad => Skipped is null && !IsGood;
}
