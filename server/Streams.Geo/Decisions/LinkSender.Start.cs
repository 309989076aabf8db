using Streams.Core;

namespace Streams.Geo;

/// <summary>Link start: who is there, what is held, what is wanted (rules R12, R13, R14).</summary>
internal sealed partial class LinkSender
{
    private int _wanted;
    private bool _listed;
    private Incarnation _laterSelf;
    private string? _openReason;

    private void OnWelcome(WelcomeFrame welcome)
    {
        if (welcome.Receiver.Cluster != _settings.Target)
        {
            Close($"meant to reach {_settings.Target}, but {welcome.Receiver.Cluster} answers at this address", fault: true);
            return;
        }

        _peer = welcome.Receiver;
        _granted = welcome.Credit;
        _phase = Phase.Listing;
        _out.Enqueue(new Report(LinkEvent.Greeted, $"linked to {_peer}"));
        LookAtLanes();
    }

    private LinkAction? NextOfListing() => NextReach() ?? (_listed ? null : ListLanes());

    private SendFrame? NextReach()
    {
        if (_settings.Probe || _reach.Count == _reachSent)
        {
            return null;
        }

        IReadOnlyList<ClusterName> names = _reach.From(_reachSent, LinkLimits.NamesPerFrame);
        _reachSent += names.Count;
        return names.Count > 0 ? new SendFrame(new ReachFrame(names)) : null;
    }

    /// <summary>The next piece of the list. What is held of a lane now counts as asked for: it goes out path or not (rule R13).</summary>
    private SendFrame ListLanes()
    {
        LaneHead[] heads = new LaneHead[Math.Min(LinkLimits.LanesPerFrame, _lanes.Count - _declared)];
        for (int i = 0; i < heads.Length; i++)
        {
            ref Slot slot = ref _lanes[_declared + i];
            LaneId lane = _lanes.Lane(_declared + i);
            heads[i] = new LaneHead(lane, default, new EntryNumber(slot.Head), new Offset(slot.HeadOffset));
            if (_store.Lane(lane) is { } status)
            {
                heads[i] = LaneHead.Of(status);
                Change(ref slot, head: status);
            }

            slot.Asked = slot.Head;
        }

        _declared += heads.Length;
        _listed = _declared == _lanes.Count;
        return new SendFrame(new LanesFrame(heads, _listed));
    }

    private void OnWants(WantsFrame frame)
    {
        if (frame.First != _wanted || frame.Wants.Count > _declared - _wanted)
        {
            Close($"protocol: wants {frame.Wants.Count} lanes from {frame.First} on, {_wanted} to {_declared} are open", fault: true);
            return;
        }

        for (int i = 0; i < frame.Wants.Count; i++)
        {
            ref Slot slot = ref _lanes[_wanted++];
            _lagEvents -= slot.LagEvents;
            slot.Pos = slot.Acked = slot.Sent = frame.Wants[i].Next.Value;
            slot.PosOffset = slot.AckedOffset = frame.Wants[i].NextOffset.Value;
            _lagEvents += slot.LagEvents;
        }
    }

    private void OnHolds(HoldsFrame frame)
    {
        foreach (LaneHead held in frame.Lanes)
        {
            if (held.Lane.Origin.Cluster != Self.Cluster)
            {
                Close($"protocol: {held.Lane} is no lane of {Self.Cluster}", fault: true);
                return;
            }

            Note(held);
        }

        if (frame.Last && !_listed)
        {
            Close("protocol: the list of lanes is answered before its end", fault: true);
        }
        else if (frame.Last && _wanted < _declared)
        {
            Close($"protocol: {_declared} lanes were listed, {_wanted} answered", fault: true);
        }
        else if (frame.Last)
        {
            Begin();
        }
    }

    /// <summary>Opening comes first: until then this cluster would go on to give away offsets that others hold for other events.</summary>
    private void Begin()
    {
        bool open = _openReason is not null;
        if (_settings.Probe)
        {
            ProbeAnswer = open;
            Close("asked and answered", fault: false);
        }
        else if (open)
        {
            if (_laterSelf > Self.Incarnation)
            {
                _out.Enqueue(new JoinState([OwnName.Opened(new Origin(Self.Cluster, _laterSelf))]));
            }

            _out.Enqueue(new OpenIncarnation(Self, _openReason!));
            Close("this cluster opens a new incarnation; its links begin again", fault: false);
        }
        else
        {
            _phase = Phase.Running;
            _stateWanted = true;
            for (int i = 0; i < _declared; i++)
            {
                MarkReady(i);
            }

            Refresh();
        }
    }
}
