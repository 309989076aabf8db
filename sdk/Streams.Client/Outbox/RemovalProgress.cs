using Streams.Core;

namespace Streams.Client;

/// <summary>How far an operation is that takes runs of events out: a hello may confirm all of a long backlog, and one transaction for it
/// would put as many bytes into the journal. Goes on only behind a commit, so a transaction that is undone is done again
/// whole.</summary>
internal sealed class RemovalProgress(int runs)
{
    private const long MaxBytes = 1 << 20;

    private int _run;
    private long _first;
    private int _nextRun;
    private long _nextFirst;

    /// <summary>Whether runs are left.</summary>
    public bool IsUnfinished => _run < runs;

    /// <summary>Takes out as much as one transaction should.</summary>
    public void Apply(OutboxTransaction transaction, Func<int, (StreamPartition Partition, long First, long Last)> runAt,
        Action<StreamPartition, long, long> remove)
    {
        (_nextRun, _nextFirst) = (_run, _first);
        while (_nextRun < runs)
        {
            (StreamPartition partition, long first, long last) = runAt(_nextRun);
            first = Math.Max(first, _nextFirst);
            long some = transaction.SomeOf(partition, first, last, Math.Min(MaxBytes, transaction.Limits.GroupBytes));
            if (some == 0)
            {
                return;
            }

            remove(partition, first, some);
            if (some < last)
            {
                _nextFirst = some + 1;
                return;
            }

            (_nextRun, _nextFirst) = (_nextRun + 1, 0);
        }
    }

    /// <summary>It is durable.</summary>
    public void Committed() => (_run, _first) = (_nextRun, _nextFirst);
}
