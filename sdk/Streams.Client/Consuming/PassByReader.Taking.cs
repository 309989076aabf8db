using Streams.Core;

namespace Streams.Client;

/// <summary>What becomes of one delivery: each of its events is given, passed, held back, or stops its lane (rule R19b, f).</summary>
internal sealed partial class PassByReader
{
    private void Take(LaneState lane, Delivery delivery, EventBatch? batch, long now, ReaderOutput output)
    {
        if (delivery.Kind == DeliveryKind.Gap)
        {
            Offset from = Offset.Max(delivery.From, new Offset(lane.Received));
            lane.Jumps.Add(new CursorJump(lane.Origin, from, delivery.To));
            output.GapEvents += delivery.To - from;
        }
        else if (batch is not null && !TakeEvents(lane, delivery, batch, now, output))
        {
            return;
        }

        given.AddCovered(delivery, batch?.Header, now);
        Advance(lane, delivery.To.Value);
    }

    private bool TakeEvents(LaneState lane, Delivery delivery, EventBatch batch, long now, ReaderOutput output)
    {
        BatchHeader header = batch.Header;
        foreach (EventView view in batch.Events)
        {
            int index = delivery.IndexOf(view.Index);
            long offset = delivery.BatchOffset.Value + index;
            if (offset < lane.Received)
            {
                continue;
            }

            Advance(lane, offset);
            EventIdentity identity = header.Identity(index);
            if (!TryTake(lane, offset, identity, view, delivery.After, output, out _) && !TryHold(lane, offset, identity, view,
                delivery.After, now, output))
            {
                return false;
            }

            Advance(lane, offset + 1);
            if (_wake.Count > 0)
            {
                Settle(now, output);
            }
        }

        return true;
    }

    /// <summary>Gives the event, or passes it because it was given before; false when it has to wait (R19b).</summary>
    private bool TryTake(LaneState lane, long offset, in EventIdentity identity, in EventView view, AfterVector after,
        ReaderOutput output, out EventPlace blockedBy)
    {
        blockedBy = default;
        if (_outstanding.TryTie(identity, new EventSpot(lane, offset)))
        {
            lane.Open.Add(offset);
            output.TwinsCaught++;
        }
        else if (given.Contains(identity))
        {
            lane.Open.Close(offset);
            output.TwinsCaught++;
        }
        else
        {
            Readiness ready = IsReady(lane, offset, identity.Producer, after, out blockedBy);
            if (ready == Readiness.Blocked)
            {
                return false;
            }

            output.ReleasedByClosure += ready == Readiness.Closed ? 1 : 0;
            output.ReleasedByPatience += ready == Readiness.Patience ? 1 : 0;
            _outstanding.Add(identity, new EventSpot(lane, offset));
            lane.Open.Add(offset);
            output.Given.Add(new GivenEvent(lane.Origin, offset, identity, view, ready != Readiness.Ready, Life));
        }

        MarkDirty(lane);
        Wake(_hold.Of(identity.Producer));
        return true;
    }

    private Readiness IsReady(LaneState lane, long offset, ProducerId producer, AfterVector after, out EventPlace blockedBy)
    {
        blockedBy = default;
        HeldProducer? held = _hold.Of(producer);
        if (held is not null && held.Lowest(lane) < offset)
        {
            return Readiness.Blocked;
        }

        Readiness ready = Readiness.Ready;
        foreach (EventPlace place in after.Places)
        {
            LaneState? on = _lanes.GetValueOrDefault(place.Origin);
            if (on?.Received > place.Offset.Value)
            {
                if (held is not null && held.Lowest(on) <= place.Offset.Value)
                {
                    return Readiness.Blocked;        // it came, and waits itself
                }
            }
            else if (on is not null && on.IsExhausted)
            {
                ready = Readiness.Closed;
            }
            else if (patience.HasExpired(place.Origin))
            {
                ready = Readiness.Patience;
            }
            else
            {
                blockedBy = place;
                return Readiness.Blocked;
            }
        }

        return ready;
    }

    private bool TryHold(LaneState lane, long offset, in EventIdentity identity, in EventView view, AfterVector after, long now,
        ReaderOutput output)
    {
        HeldEvent held = new() { Lane = lane, Offset = offset, Identity = identity, View = view, After = after };
        held.Waits = AwaitedBy(held, now);
        if (!_hold.HasRoom)
        {
            lane.Stopped = held;
            _stopped.Add(lane);
            output.LanesStopped++;
            return false;
        }

        Hold(held, output);
        return true;
    }

    private void Hold(HeldEvent held, ReaderOutput output)
    {
        held.Lane.Open.Add(held.Offset);
        MarkDirty(held.Lane);
        output.HeldBack++;
        Wake(_hold.Add(held));
    }

    private AwaitedLane[] AwaitedBy(HeldEvent held, long now)
    {
        List<AwaitedLane>? waits = null;
        foreach (EventPlace place in held.After.Places)
        {
            if (!(_lanes.GetValueOrDefault(place.Origin)?.Received > place.Offset.Value))
            {
                (waits ??= []).Add(patience.Wait(place.Origin, place.Offset.Value, now));
            }
        }

        return waits?.ToArray() ?? [];
    }
}
