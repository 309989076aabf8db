using Streams.Core;

namespace Streams.Geo;

/// <summary>Entries that were to be sent and are damaged here: the lane waits until they were got back, or declared lost; then it goes on
/// without them.</summary>
internal sealed partial class LinkSender
{
    private static readonly TimeSpan DamagedPause = TimeSpan.FromSeconds(2);

    private readonly Queue<(int Lane, TimeSpan At)> _damaged = new();
    private readonly Dictionary<int, EntryNumber> _standsAt = [];
    private TimeSpan _now;

    /// <summary>Told, with the lock of the session held, of what the receiver does not have of what is damaged here.</summary>
    public Action<ClusterName, DamagedRange>? Lacked { get; set; }

    /// <summary>Entries that were left out because they are lost.</summary>
    public long EntriesLost { get; private set; }

    /// <summary>What comes next of a lane is damaged here. If it was declared lost, the receiver is told where the lane goes on. Else this
    /// lane waits, the others go on; it is tried again soon, for a neighbour may have given it back by then, or it is lost. The receiver
    /// may get it over another link: it takes the lane when that one announces more.</summary>
    public void OnDamaged(ReadLane request, string reason, LostRun? lost, List<LinkFrame> frames)
    {
        if (request.Number < 0)
        {
            _serving.OnDamaged(request, lost, frames);
            return;
        }

        _reading = false;
        if (lost is { } run)
        {
            LeaveOut(request, run, frames);
            return;
        }

        if (!_standsAt.TryGetValue(request.Number, out EntryNumber at) || at != request.From)
        {
            _standsAt[request.Number] = request.From;
            _out.Enqueue(new Report(LinkEvent.Damaged, $"{request.Lane} stands still at entry {request.From}: {reason}"));
        }

        _damaged.Enqueue((request.Number, _now + DamagedPause));
    }

    private void LeaveOut(ReadLane request, in LostRun run, List<LinkFrame> frames)
    {
        ref SentLane slot = ref _lanes[request.Number];
        if (_phase == Phase.Running && (slot.Flags & (SentLaneFlags.Fed | SentLaneFlags.Refused)) == SentLaneFlags.Fed
            && request.From.Value == slot.Pos)
        {
            _standsAt.Remove(request.Number);
            EntriesLost += run.Next.Value - slot.Pos;
            _out.Enqueue(new Report(LinkEvent.Damaged,
                $"{request.Lane} goes on at entry {run.Next}: those from {slot.Pos} on are lost here, {_peer.Cluster} is told so"));
            _lagEvents -= slot.LagEvents;
            slot.Pos = slot.Sent = run.Next.Value;
            slot.PosOffset = run.NextOffset.Value;
            _lagEvents += slot.LagEvents;
            _spent += LinkLimits.CostOfLost;
            frames.Add(new LostFrame(request.Number, request.From, run.Next, run.NextOffset));
        }

        MarkReady(request.Number);
    }
}
