using Streams.Core;

namespace Streams.Geo;

/// <summary>Link start: who is there, what is held, what is wanted (rules R12, R13, R14).</summary>
internal sealed partial class LinkSender
{
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
        if (!_settings.Probe && _memory.Fits(welcome.Known, Self, _peer))
        {
            Resume(welcome.Known);
            return;
        }

        _memory.Forget(Self, _peer);
        _lanes = _memory.Lanes;
        LookAtLanes();
    }

    /// <summary>Tells only of lanes that are new, or whose head the receiver does not know.</summary>
    private void Resume(in Remembered known)
    {
        IsResumed = true;
        _memory.Resume(known);
        _stateSent = known.State;
        (_declared, _reachSent) = (known.Lanes, Math.Min(known.Reach, _reach.Count));
        LookAtLanes();
        for (int i = 0; i < _declared; i++)
        {
            ref SentLane slot = ref _lanes[i];
            if (slot.Told < slot.Head || slot.ToldIn > known.Heads)
            {
                slot.Flags |= SentLaneFlags.Dirty;
                _dirty.Enqueue(i);
            }
        }
    }

    /// <summary>Names come behind the list: by its life the receiver knows from where on it counts them.</summary>
    private SendFrame? NextOfListing() => _listed ? NextReach() : _dirty.Count > 0 ? new SendFrame(NextHeads()) : ListLanes();

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

    /// <summary>The next piece of the list: lanes and how far they are held.</summary>
    private SendFrame ListLanes()
    {
        List<StreamPath> streams = [];
        List<Origin> origins = [];
        ListedLane[] listed = new ListedLane[Math.Min(LinkLimits.LanesPerFrame, _lanes.Count - _declared)];
        int first = _declared;
        for (int i = 0; i < listed.Length; i++)
        {
            ref SentLane slot = ref _lanes[first + i];
            LaneId lane = _lanes.Lane(first + i);
            if (_store.Lane(lane) is { } status)
            {
                Change(ref slot, status);
            }

            (slot.Told, slot.ToldIn) = (slot.Head, 0);
            listed[i] = _memory.Book.List(first + i, new EntryNumber(slot.Head), new Offset(slot.HeadOffset), streams, origins);
        }

        _declared += listed.Length;
        bool last = _declared == _lanes.Count;
        _listed |= last;
        return new SendFrame(new LanesFrame(_memory.Life, first, streams, origins, listed, last));
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
            Refresh();
        }
    }
}
