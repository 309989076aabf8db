using Streams.Core;

namespace Streams.Gateways;

/// <summary>Commits the cursors of a kept session, gathered: soon when events were given, late when the cursor only moved over events
/// of others.
/// Belongs to the session's delivery loop; one round of commits is under way at a time.</summary>
internal sealed class CursorCommitter(GatewayServices services, IConsumer client, Action<PartitionReading, Cursor> committed)
{
    private readonly HashSet<PartitionReading> _waiting = [];
    private Task<List<Outcome>>? _round;

    /// <summary>Takes note of a partition whose cursor may have moved.</summary>
    public void Note(PartitionReading partition, TimeSpan now)
    {
        if (client.UsesLog && partition.Reader.HasNews && !partition.IsEnded && _waiting.Add(partition))
        {
            partition.NewsSince = now;
        }
    }

    /// <summary>Begins a round when one is due; gives when the next may be.</summary>
    public TimeSpan? Run(TimeSpan now, Action wake)
    {
        if (_round is { IsCompleted: false })
        {
            return null;                             // it wakes the loop when it is over
        }

        Collect(now);
        TimeSpan? next = null;
        List<PartitionReading> due = [];
        foreach (PartitionReading partition in _waiting)
        {
            TimeSpan at = partition.NewsSince!.Value
                + (partition.GivenSinceCommit ? services.Options.CommitDelay : services.Options.IdleCommitDelay);
            if (at <= now)
            {
                due.Add(partition);
            }
            else if (next is null || at < next)
            {
                next = at;
            }
        }

        if (due.Count > 0)
        {
            _round = CommitAsync(due, CancellationToken.None);
            _ = _round.ContinueWith(_ => wake(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }

        return next;
    }

    /// <summary>Commits all that waits; for the end of the session.</summary>
    public async Task FinishAsync(IEnumerable<PartitionReading> partitions, CancellationToken cancellationToken)
    {
        if (_round is not null)
        {
            await _round.WaitAsync(cancellationToken).ConfigureAwait(false);
            Collect(default);
        }

        List<PartitionReading> news = [.. partitions.Where(p => p.Reader.HasNews && !p.IsEnded && client.UsesLog)];
        _round = CommitAsync(news, cancellationToken);
        await _round.ConfigureAwait(false);
        Collect(default);
    }

    // What could not be committed is tried again in a later round.
    private void Collect(TimeSpan now)
    {
        foreach ((PartitionReading partition, Cursor cursor, bool isCommitted) in _round?.Result ?? [])
        {
            if (isCommitted)
            {
                committed(partition, cursor);
                continue;
            }

            partition.Reader.RetryCommit();
            partition.GivenSinceCommit = true;
            Note(partition, now);
        }

        _round = null;
    }

    // Never fails: says of each whether it was committed.
    private async Task<List<Outcome>> CommitAsync(List<PartitionReading> due, CancellationToken cancellationToken)
    {
        List<(PartitionReading Partition, Cursor Cursor, Task<bool> Commit)> commits = [];
        foreach (PartitionReading partition in due)
        {
            _waiting.Remove(partition);
            partition.GivenSinceCommit = false;
            partition.NewsSince = null;
            Cursor cursor = partition.Reader.TakeCursor();
            commits.Add((partition, cursor, CommitAsync(partition.Partition, cursor, cancellationToken)));
        }

        List<Outcome> outcomes = [];
        foreach ((PartitionReading partition, Cursor cursor, Task<bool> commit) in commits)
        {
            outcomes.Add(new Outcome(partition, cursor, await commit.ConfigureAwait(false)));
        }

        return outcomes;
    }

    private async Task<bool> CommitAsync(StreamPartition partition, Cursor cursor, CancellationToken cancellationToken)
    {
        try
        {
            await services.Store.CommitAsync(client.CursorName, partition, cursor, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (Exception e)
        {
            GatewayLog.CommitFailed(services.Log, client.ClientId, e.Message);
            return false;
        }
    }

    private readonly record struct Outcome(PartitionReading Partition, Cursor Cursor, bool IsCommitted);
}
