using Streams.Core;

namespace Streams.Gateways;

/// <summary>Commits the cursors of a kept session, gathered: soon when events were given, late when the cursor only moved over events
/// of others.
/// Belongs to the session's delivery loop; one round of commits is under way at a time.</summary>
internal sealed class CursorCommitter(GatewayServices services, IConsumer client)
{
    private readonly HashSet<PartitionReading> _waiting = [];
    private Task<List<PartitionReading>>? _round;

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
        await CommitAsync(news, cancellationToken).ConfigureAwait(false);
    }

    // What could not be committed is tried again in a later round.
    private void Collect(TimeSpan now)
    {
        foreach (PartitionReading failed in _round?.Result ?? [])
        {
            failed.Reader.RetryCommit();
            failed.GivenSinceCommit = true;
            Note(failed, now);
        }

        _round = null;
    }

    // Never fails: gives back what could not be committed.
    private async Task<List<PartitionReading>> CommitAsync(List<PartitionReading> due, CancellationToken cancellationToken)
    {
        List<(PartitionReading Partition, Task<bool> Commit)> commits = [];
        foreach (PartitionReading partition in due)
        {
            _waiting.Remove(partition);
            partition.GivenSinceCommit = false;
            partition.NewsSince = null;
            commits.Add((partition, CommitAsync(partition.Partition, partition.Reader.TakeCursor(), cancellationToken)));
        }

        List<PartitionReading> failed = [];
        foreach ((PartitionReading partition, Task<bool> commit) in commits)
        {
            if (!await commit.ConfigureAwait(false))
            {
                failed.Add(partition);
            }
        }

        return failed;
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
}
