using Streams.Core;

namespace Streams.Geo;

/// <summary>Joined state (rule R16): at link start and before gaps are stepped over all that the receiver has not been sent; pieces that
/// changed something here are passed on.</summary>
internal sealed partial class LinkSender
{
    private readonly Queue<IReadOnlyList<StateItem>> _passOn = new();
    private List<SkipFrame> _gaps = [];
    private List<SkipFrame> _coveredGaps = [];
    private long _stateSent;
    private bool _stateWanted;
    private bool _stateActive;
    private bool _stateFresh;
    private bool _stateReading;

    /// <summary>Gaps told to the receiver.</summary>
    public long Gaps { get; private set; }

    /// <summary>Entries in them.</summary>
    public long GapEntries { get; private set; }

    /// <summary>The first entry of a lane that this link still needs, so that retention waits for it; <see langword="null"/> when it needs
    /// none. What is not known yet counts as needed.</summary>
    public EntryNumber? NeededFrom(LaneId lane)
    {
        int number = IsRunning ? _lanes.Find(lane) : -1;
        if (number < 0)
        {
            return EntryNumber.Zero;
        }

        ref SentLane slot = ref _lanes[number];
        return (slot.Flags & SentLaneFlags.Refused) != 0 ? null
            : (slot.Flags & SentLaneFlags.Fed) != 0 ? new EntryNumber(slot.Acked)
            : IsLevel ? null
            : EntryNumber.Zero;
    }

    /// <summary>Passes on what changed something here. Never waits long: when the receiver is slow, it gets the whole state later
    /// instead.</summary>
    public void PassOn(IReadOnlyList<StateItem> items)
    {
        if (_phase == Phase.Running && !_stateWanted)
        {
            if (_passOn.Count < LinkLimits.MaxPassOn)
            {
                _passOn.Enqueue(items);
            }
            else
            {
                _passOn.Clear();
                _stateWanted = true;
            }
        }
    }

    public void OnState(ReadState request, IReadOnlyList<StateItem> items, bool last, long revision)
    {
        _stateReading = false;
        if (items.Count > 0)
        {
            _spent += LinkLimits.CostOf(items);
            Send(new StateFrame(items));
        }

        if (last)
        {
            _stateActive = false;
            _stateSent = revision;
            Send(new StateEndFrame(revision));
            StepOverGaps();
        }
    }

    private LinkAction? NextState()
    {
        if (_granted <= _spent || _stateReading)
        {
            return null;
        }

        if (_passOn.TryDequeue(out IReadOnlyList<StateItem>? items))
        {
            _spent += LinkLimits.CostOf(items);
            return new SendFrame(new StateFrame(items));
        }

        if (!_stateActive && _stateWanted)
        {
            // Gaps seen until now are covered by the state as it will be read from now on, later ones are not.
            (_gaps, _coveredGaps) = (_coveredGaps, _gaps);
            _stateWanted = false;
            _stateActive = _stateFresh = true;
        }

        if (!_stateActive)
        {
            return null;
        }

        bool restart = _stateFresh;
        _stateFresh = false;
        _stateReading = true;
        return new ReadState(restart, _stateSent, (int)Math.Min(_settings.StateChunkBytes, _granted - _spent));
    }

    /// <summary>Retention removed what the receiver wants next: state first, then the gap (rule R16).</summary>
    private void AddGap(int number, in LaneStatus status)
    {
        _lanes[number].Flags |= SentLaneFlags.Gap;
        _gaps.Add(new SkipFrame(number, status.FirstEntry, status.FirstOffset));
        _stateWanted = true;
    }

    private void StepOverGaps()
    {
        foreach (SkipFrame skip in _coveredGaps)
        {
            ref SentLane slot = ref _lanes[skip.Number];
            slot.Flags &= ~SentLaneFlags.Gap;
            if (slot.Pos < skip.First.Value && (slot.Flags & SentLaneFlags.Fed) != 0)
            {
                Gaps++;
                GapEntries += skip.First.Value - slot.Pos;
                _out.Enqueue(new Report(LinkEvent.Gap,
                    $"{_lanes.Lane(skip.Number)}: entries {slot.Pos} to {skip.First.Value - 1} are no longer kept, "
                    + $"{_peer.Cluster} steps over them"));
                _lagEvents -= slot.LagEvents;
                slot.Pos = slot.Sent = slot.Acked = skip.First.Value;
                slot.PosOffset = slot.AckedOffset = Math.Max(slot.AckedOffset, skip.FirstOffset.Value);
                _lagEvents += slot.LagEvents;
                Send(skip);
            }

            MarkReady(skip.Number);
        }

        _coveredGaps.Clear();
    }
}
