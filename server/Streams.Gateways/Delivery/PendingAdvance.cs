using Streams.Core;

namespace Streams.Gateways;

/// <summary>A stretch of a lane with nothing for a subscription that has not been told yet. Runs of one producer epoch merge, or the
/// SDK's ranges
/// would not (rule R17).</summary>
internal sealed class PendingAdvance(Offset from, TimeSpan since)
{
    private const int MergeSearch = 16;

    private readonly List<SequenceRun> _covered = [];

    /// <summary>First offset.</summary>
    public Offset From { get; } = from;

    /// <summary>Offset behind the last one.</summary>
    public Offset To { get; private set; } = from;

    /// <summary>When it began.</summary>
    public TimeSpan Since { get; } = since;

    /// <summary>The sequences covered.</summary>
    public IReadOnlyList<SequenceRun> Covered => _covered;

    /// <summary>Makes the stretch longer.</summary>
    public void Extend(Offset to, SequenceRun run)
    {
        To = to;
        for (int i = _covered.Count - 1; i >= 0 && i >= _covered.Count - MergeSearch; i--)
        {
            SequenceRun known = _covered[i];
            if (known.Producer == run.Producer && known.Epoch == run.Epoch && run.First <= known.Last + 1 && known.First <= run.Last + 1)
            {
                _covered[i] = known with { First = Math.Min(known.First, run.First), Last = Math.Max(known.Last, run.Last) };
                return;
            }
        }

        _covered.Add(run);
    }
}
