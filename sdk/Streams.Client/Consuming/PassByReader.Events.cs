using Streams.Core;

namespace Streams.Client;

/// <content>A delivery's events: given in runs where nothing stands between them.</content>
internal sealed partial class PassByReader
{
    private bool TakeEvents(LaneState lane, Delivery delivery, EventBatch batch, long now, ReaderOutput output)
    {
        BatchHeader header = batch.Header;
        EventWalker walker = new(batch);
        int nth = 0;
        while (nth < header.Count)
        {
            int index = delivery.IndexOf(nth);
            long offset = delivery.BatchOffset.Value + index;
            if (offset < lane.Received)
            {
                nth += delivery.Indexes.Count == 0 ? (int)Math.Min(lane.Received - offset, header.Count - nth) : 1;
                continue;
            }

            Advance(lane, offset);
            EventIdentity identity = header.Identity(index);
            int taken = TakeRun(lane, offset, identity, delivery, batch, nth, output);
            if (taken == 0)
            {
                EventView view = default;
                while (walker.Next <= nth)
                {
                    walker.TryNext(out view);
                }

                if (!TryTake(lane, offset, identity, view, delivery.After, output, out _)
                    && !TryHold(lane, offset, identity, view, delivery.After, now, output))
                {
                    return false;
                }

                taken = 1;
            }

            nth += taken;
            Advance(lane, offset + taken);
            if (_wake.Count > 0)
            {
                Settle(now, output);
            }
        }

        return true;
    }

    /// <summary>Gives the event and those behind it that are alike, or passes them because they were given before; gives how many, 0 when
    /// the first has to be looked at by itself.</summary>
    /// <remarks>Nothing of the producer is held, so nobody has to be looked at again between them, and what one of them may pass all may:
    /// they share what must come before them (R4).</remarks>
    private int TakeRun(LaneState lane, long offset, in EventIdentity first, Delivery delivery, EventBatch batch, int nth,
        ReaderOutput output)
    {
        int count = Consecutive(delivery, batch.Header.Count, nth);
        ProducerEpoch key = new(first.Producer, first.Epoch);
        long outstanding = _outstanding.NextFrom(key, first.Sequence);
        if (_hold.Of(first.Producer) is not null || outstanding == first.Sequence)
        {
            return 0;
        }

        count = (int)Math.Min(count, outstanding - first.Sequence);
        GivenRuns? runs = given.Of(key);
        long before = runs?.NextFrom(first.Sequence) ?? long.MaxValue;
        if (before == first.Sequence)
        {
            count = (int)Math.Min(count, runs!.EndOf(first.Sequence) - first.Sequence + 1);
            lane.Open.Close(offset, offset + count - 1);
            output.TwinsCaught += count;
            _lanes.Touch(lane);
            return count;
        }

        Readiness ready = IsReady(lane, offset, first.Producer, delivery.After, out _);
        if (ready == Readiness.Blocked)
        {
            return 0;
        }

        count = (int)Math.Min(count, before - first.Sequence);
        Give(new GivenEvents(lane.Origin, offset, first, count, batch, nth, default, ready != Readiness.Ready, Life), lane, ready, output);
        return count;
    }

    private void Give(in GivenEvents events, LaneState lane, Readiness ready, ReaderOutput output)
    {
        output.ReleasedByClosure += ready == Readiness.Closed ? events.Count : 0;
        output.ReleasedByPatience += ready == Readiness.Patience ? events.Count : 0;
        _outstanding.Add(new ProducerEpoch(events.First.Producer, events.First.Epoch),
            new OutstandingRun(events.First.Sequence, events.First.Sequence + events.Count - 1, lane, events.Offset, null));
        lane.Open.Add(events.Offset, events.Offset + events.Count - 1);
        _lanes.Touch(lane);
        output.Given.Add(events);
    }

    private static int Consecutive(Delivery delivery, int count, int nth)
    {
        if (delivery.Indexes.Count == 0)
        {
            return count - nth;
        }

        int run = 1;
        while (nth + run < count && delivery.Indexes[nth + run] == delivery.Indexes[nth] + run)
        {
            run++;
        }

        return run;
    }
}
