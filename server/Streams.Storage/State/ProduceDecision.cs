using Streams.Core;

namespace Streams.Storage;

/// <summary>What to do with a batch of a session (rules R2, R6): refuse it, answer where it is held, or append it.</summary>
/// <param name="Refusal">Why it is refused, or none.</param>
/// <param name="Detail">For people.</param>
/// <param name="Held">Where all of it stands in the own lane, or <see langword="null"/>: then it is appended whole. The answer may be
/// given only after the group under way is flushed (rule R1): it may name runs of that group.</param>
internal readonly record struct ProduceDecision(ProduceRefusal Refusal, string Detail, IReadOnlyList<PlacedRun>? Held)
{
    /// <summary>Decides on a batch.</summary>
    /// <param name="sessions">Who may send, and what was sent last.</param>
    /// <param name="flushed">What stands here.</param>
    /// <param name="inFlight">What the group adds that is being flushed, if there is one.</param>
    /// <param name="staged">What the group under way adds.</param>
    /// <param name="session">The session of the batch.</param>
    /// <param name="lane">The own lane.</param>
    /// <param name="batch">The batch.</param>
    public static ProduceDecision Decide(SessionTable sessions, ProducerLedger flushed, ProducerLedger? inFlight,
        ProducerLedger staged, ProducerSession session, LaneId lane, in BatchHeader batch)
    {
        ProduceRefusal refusal = sessions.Take(session, lane.Partition, batch, out string detail);
        return refusal != ProduceRefusal.None ? new ProduceDecision(refusal, detail, null)
            : new ProduceDecision(ProduceRefusal.None, string.Empty, OwnRuns(flushed, inFlight, staged, lane, batch));
    }

    private static List<PlacedRun>? OwnRuns(ProducerLedger flushed, ProducerLedger? inFlight, ProducerLedger staged, LaneId lane,
        in BatchHeader batch)
    {
        RunList? old = flushed.Runs(lane.Partition, batch.Producer, batch.Epoch, lane.Origin);
        RunList? between = inFlight?.Runs(lane.Partition, batch.Producer, batch.Epoch, lane.Origin);
        RunList? fresh = staged.Runs(lane.Partition, batch.Producer, batch.Epoch, lane.Origin);
        if (old is null && between is null && fresh is null)
        {
            return null;
        }

        List<PlacedRun>? places = null;
        for (long next = batch.FirstSequence; next <= batch.LastSequence;)
        {
            PlacedSequences run = default;
            if (!((old?.TryFind(next, out run) ?? false) || (between?.TryFind(next, out run) ?? false)
                || (fresh?.TryFind(next, out run) ?? false)))
            {
                return null;
            }

            long last = Math.Min(run.Last, batch.LastSequence);
            (places ??= []).Add(new PlacedRun(next, last, lane.Origin, new Offset(run.OffsetOf(next))));
            next = last + 1;
        }

        return places;
    }
}
