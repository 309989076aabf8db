namespace Streams.Cluster;

/// <summary>What a replica does as what it is.</summary>
internal abstract class ReplicaRole
{
    /// <summary>A frame came.</summary>
    public abstract void Receive(NodeName from, ReplicaFrame frame, TimeSpan now);

    /// <summary>Something has changed in the replica: its log, what is flushed, its lease.</summary>
    public abstract void Look(TimeSpan now);

    /// <summary>Time goes on.</summary>
    public virtual void Tick(TimeSpan now)
    {
    }
}

/// <summary>Takes records from whoever leads the latest epoch: in sync, or catching up.</summary>
internal sealed class FollowingRole(Replica replica) : ReplicaRole
{
    private NodeName _leader;
    private long _verified = -1;                         // of the promised epoch: same as the leader's up to here
    private long _told = -1;

    /// <inheritdoc/>
    public override void Receive(NodeName from, ReplicaFrame frame, TimeSpan now)
    {
        if (frame is not AppendFrame append)
        {
            return;                                      // an answer to a former role
        }

        if (append.Epoch < replica.Promise)
        {
            replica.Send(from, new StaleFrame(replica.Promise));
            return;
        }

        if (append.Epoch > replica.Promise || _leader != from)
        {
            replica.PromiseUpTo(append.Epoch);
            (_leader, _verified, _told) = (from, -1, -1);
        }

        if (append.Previous > replica.Last || replica.Table.EpochOf(append.Previous) != append.PreviousEpoch)
        {
            replica.Send(from, new DiffersFrame(append.Epoch, replica.Last, replica.Table.Copy()));
            return;
        }

        Take(append);
        _verified = Math.Max(_verified, append.Last);
        replica.Commit(Math.Min(append.Committed, _verified));
        _told = -1;                                      // each frame is answered
        Look(now);
    }

    /// <inheritdoc/>
    public override void Look(TimeSpan now)
    {
        long flushed = Math.Min(_verified, replica.Flushed);
        if (_verified >= 0 && flushed > _told)
        {
            _told = flushed;
            replica.Send(_leader, new AckFrame(replica.Promise, flushed));
        }
    }

    // What is there already stays; what differs goes, and all behind it.
    private void Take(AppendFrame append)
    {
        long same = append.Previous;
        while (same < Math.Min(append.Last, replica.Last) && replica.Table.EpochOf(same + 1) == append.EntryEpoch)
        {
            same = replica.Table.RunEnd(same + 1, Math.Min(append.Last, replica.Last));
        }

        if (same < append.Last)
        {
            if (same < replica.Last)
            {
                replica.Cut(same);
            }

            replica.Write(same + 1, append.Last, append.EntryEpoch);
        }
    }
}
