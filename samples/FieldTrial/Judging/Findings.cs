namespace FieldTrial;

/// <summary>What the judge can find fault with.</summary>
internal enum FaultKind
{
    Lost,
    Duplicate,
    OutOfOrder,
    Unexpected,
    NotConfirmed,
    OffsetMismatch,
    LaneDifference,
    Failure,
}

/// <summary>A fault, named so that a person can look it up.</summary>
internal sealed record Finding(FaultKind Kind, string Text);

/// <summary>The first faults of each kind, and how many there were. Safe for many threads.</summary>
internal sealed class Findings
{
    /// <summary>Enough to look into; a run that loses everything must not fill the memory with its complaints.</summary>
    public const int KeptOfEachKind = 20;

    private readonly Lock _gate = new();
    private readonly long[] _counts = new long[Enum.GetValues<FaultKind>().Length];
    private readonly List<Finding> _kept = [];

    public IReadOnlyList<Finding> Kept
    {
        get
        {
            lock (_gate)
            {
                return [.. _kept];
            }
        }
    }

    public long Count(FaultKind kind)
    {
        lock (_gate)
        {
            return _counts[(int)kind];
        }
    }

    public void Add(FaultKind kind, string text)
    {
        lock (_gate)
        {
            if (_counts[(int)kind]++ < KeptOfEachKind)
            {
                _kept.Add(new Finding(kind, text));
            }
        }
    }
}
