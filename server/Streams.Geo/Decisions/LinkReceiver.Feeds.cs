using Streams.Core;

namespace Streams.Geo;

/// <summary>Which lanes are wanted over this link (rule R13 on demand): those that it announces further than they are here and that no
/// other link feeds; and those whose feed has fallen silent.</summary>
/// <remarks>A feed that is alive but has much to bring must keep its lanes, or load would make every entry come twice. Alive is one that
/// has announced what others announced, or has brought anything at all within the patience.</remarks>
internal sealed partial class LinkReceiver
{
    /// <summary>Patiences after which a link that brings other lanes, but does not announce this one, loses it; and after which a lane
    /// that does not move is asked for again, or elsewhere, when its link brings nothing at all.</summary>
    private const int Long = 8;

    /// <summary>Patiences after which a lane that does not move is asked for again though its link brings others.</summary>
    private const int Longest = 64;

    /// <summary>Lanes looked at in one tick.</summary>
    private const int LooksPerTick = 4096;

    private readonly Queue<int> _behind = new();
    private readonly Queue<int> _feedDue = new();
    private readonly List<LaneId> _lost = [];
    private TimeSpan _now;
    private TimeSpan _deliveredAt;
    private long _levelTold;
    private bool _levelDue;
    private bool _delivered;

    /// <summary>Lanes that were taken from a silent feed, or given up as one.</summary>
    public long FeedsSwitched { get; private set; }

    /// <summary>Events announced and not yet flushed here.</summary>
    public long LagEvents
    {
        get
        {
            long lag = 0;
            foreach (int number in _behind)
            {
                lag += Math.Max(0, _lanes[number].AnnouncedOffset - (_store.Lane(_lanes.Lane(number))?.NextOffset.Value ?? 0));
            }

            return lag;
        }
    }

    // Lanes also come over other links: look again. One that is behind answers the question.
    private bool IsNothingBehind
    {
        get
        {
            while (_behind.TryPeek(out int number))
            {
                if (IsBehind(number))
                {
                    return false;
                }

                _behind.Dequeue();
                _lanes[number].Flags &= ~HeardLaneFlags.Behind;
            }

            return true;
        }
    }

    public void Tick(TimeSpan now)
    {
        _now = now;
        if (_delivered || BytesHeld > 0 || _deliveredAt == default)
        {
            _delivered = false;
            _deliveredAt = now;
            _shared.Feeds.Delivered(_link, now);
        }

        if (_phase != Phase.Running)
        {
            return;
        }

        _damage.Tick(now);

        for (int looks = Math.Min(_behind.Count, LooksPerTick); looks > 0; looks--)
        {
            int number = _behind.Dequeue();
            if (IsBehind(number))
            {
                _behind.Enqueue(number);
                LookAtFeed(number);
            }
            else
            {
                _lanes[number].Flags &= ~HeardLaneFlags.Behind;
            }
        }

        _levelDue |= _memory!.HeadsSequence != _levelTold && IsLevel;
    }

    private bool IsBehind(int number) => (_lanes[number].Flags & HeardLaneFlags.Refused) == 0
        && OwnName.Next(_store, _lanes.Lane(number)).Value < _lanes[number].Announced;

    private bool IsFed(int number) => (_lanes[number].Flags & HeardLaneFlags.Fed) != 0;

    /// <summary>More of the lane was announced than is here.</summary>
    private void FallBehind(int number)
    {
        ref HeardLane slot = ref _lanes[number];
        if ((slot.Flags & HeardLaneFlags.Behind) == 0)
        {
            slot.Flags = (slot.Flags | HeardLaneFlags.Behind) & ~HeardLaneFlags.Timed;
            _behind.Enqueue(number);
        }

        Want(number);
    }

    private void WantAll()
    {
        foreach (int number in _behind)
        {
            Want(number);
        }
    }

    /// <summary>Asks for the lane over this link, if no other one feeds it.</summary>
    private void Want(int number)
    {
        ref HeardLane slot = ref _lanes[number];
        if (_phase == Phase.Running && (slot.Flags & (HeardLaneFlags.Fed | HeardLaneFlags.Refused)) == 0 && IsBehind(number)
            && _shared.Feeds.TryTake(_lanes.Lane(number), _link, slot.Announced, _now))
        {
            Feed(number);
        }
    }

    private void Feed(int number)
    {
        _lanes[number].Flags = (_lanes[number].Flags | HeardLaneFlags.Fed) & ~HeardLaneFlags.Timed;
        FeedLater(number);
    }

    private void Unfeed(int number)
    {
        _lanes[number].Flags &= ~(HeardLaneFlags.Fed | HeardLaneFlags.Timed);
        if (_work.TryGetValue(number, out LaneWork? work))
        {
            work.Discarding = false;
            ForgetIfIdle(number, work);
        }

        FeedLater(number);
    }

    private void GiveUp(int number)
    {
        Unfeed(number);
        _shared.Feeds.Release(_lanes.Lane(number), _link);
    }

    private void FeedLater(int number)
    {
        ref HeardLane slot = ref _lanes[number];
        if ((slot.Flags & HeardLaneFlags.FeedDue) == 0)
        {
            slot.Flags |= HeardLaneFlags.FeedDue;
            _feedDue.Enqueue(number);
        }
    }

    private SendFrame? NextFeed()
    {
        if (_phase != Phase.Running || _feedDue.Count == 0)
        {
            return null;
        }

        LaneFeed[] wishes = new LaneFeed[Math.Min(_feedDue.Count, LinkLimits.LanesPerFrame)];
        for (int i = 0; i < wishes.Length; i++)
        {
            int number = _feedDue.Dequeue();
            ref HeardLane slot = ref _lanes[number];
            slot.Flags &= ~HeardLaneFlags.FeedDue;
            LaneStatus? here = IsFed(number) ? _store.Lane(_lanes.Lane(number)) : null;
            wishes[i] = new LaneFeed(number, IsFed(number), here?.NextEntry ?? default, here?.NextOffset ?? default);
        }

        return new SendFrame(new FeedFrame(wishes));
    }

    /// <summary>Other links have taken lanes over, or ended and left theirs to whoever has more of them.</summary>
    private void TakeNews()
    {
        bool freed = _shared.Feeds.TakeNews(_link, _lost);
        foreach (LaneId lane in _lost)
        {
            int number = _lanes.Find(lane);
            if (number >= 0 && IsFed(number) && !_shared.Feeds.IsFedBy(lane, _link))
            {
                Unfeed(number);
            }
        }

        _lost.Clear();
        if (freed)
        {
            WantAll();
        }
    }

    /// <summary>Of a lane that is behind: whether the link that is to bring it does.</summary>
    private void LookAtFeed(int number)
    {
        Want(number);
        ref HeardLane slot = ref _lanes[number];
        int now = unchecked((int)_now.TotalMilliseconds);
        if ((slot.Flags & HeardLaneFlags.Timed) == 0)
        {
            slot.Since = now;
            slot.Flags = (slot.Flags | HeardLaneFlags.Timed) & ~HeardLaneFlags.Moved;
            return;
        }

        if (IsFed(number))
        {
            LookAtOwnFeed(number, ref slot, now);
        }
        else
        {
            LookAtOther(number, ref slot, now);
        }
    }

    private void LookAtOwnFeed(int number, ref HeardLane slot, int now)
    {
        int patience = _settings.FeedPatienceMs;
        int still = unchecked(now - slot.Since);
        if ((slot.Flags & HeardLaneFlags.Moved) != 0 || _work.ContainsKey(number))
        {
            slot.Since = now;
            slot.Flags &= ~HeardLaneFlags.Moved;
        }
        else if (still >= Longest * patience
            || (still >= Long * patience && (_now - _deliveredAt).TotalMilliseconds >= Long * patience))
        {
            // Others may take it before the next look; if none does, this link is asked again.
            FeedsSwitched++;
            GiveUp(number);
        }
    }

    private void LookAtOther(int number, ref HeardLane slot, int now)
    {
        LaneId lane = _lanes.Lane(number);
        if (!_shared.Feeds.TryLook(lane, out long announced, out TimeSpan announcedAt, out TimeSpan deliveredAt)
            || announced >= slot.Announced)
        {
            slot.Since = now;
            return;
        }

        int patience = _settings.FeedPatienceMs;
        double silent = Math.Min(unchecked(now - slot.Since), (_now - announcedAt).TotalMilliseconds);
        if (silent >= Long * patience || (silent >= patience && (_now - deliveredAt).TotalMilliseconds >= patience))
        {
            FeedsSwitched++;
            _shared.Feeds.TakeOver(lane, _link, slot.Announced, _now);
            Feed(number);
        }
    }
}
