using Streams.Core;

namespace Streams.Gateways;

/// <summary>What an SDK session is sent of one partition (rule R19): each lane in its order, lane after lane in turns, ungated; the
/// SDK holds back what
/// has to wait.</summary>
/// <remarks>Pure, like <see cref="GatedReader"/>. Twins are skipped only behind the position that the SDK last confirmed (rule R19e),
/// never in a gap that
/// was stepped over (rule R10). Stretches with nothing for the subscription are told together, after at most
/// <see cref="ReaderLimits.AdvanceDelay"/>, and before anything that may wait for them. Not safe for several threads.</remarks>
public sealed class UngatedReader
{
    private readonly uint _subscription;
    private readonly PartitionId _partition;
    private readonly IPartitionView _view;
    private readonly IEventFilter _filter;
    private readonly ReaderLimits _limits;
    private readonly LaneSet _lanes;
    private readonly TwinCheck _twins;
    private readonly AwaitedLanes _awaited;
    private readonly DeliveryCutter _cutter = new();
    private readonly Dictionary<Origin, PendingAdvance> _pending = [];
    private readonly List<int> _indexes = [];
    private readonly Func<Origin, Offset> _ground;
    private Cursor _confirmed;
    private LaneBatch? _finished;
    private bool _rewound;
    private ReaderCounts _counts;

    /// <summary>A reader that begins at <paramref name="start"/>, which the SDK has confirmed.</summary>
    public UngatedReader(uint subscription, PartitionId partition, IPartitionView view, IEventFilter filter, Cursor start,
        ReaderLimits limits)
        : this(subscription, partition, view, filter, start, limits, DeliveryRules.All)
    {
    }

    internal UngatedReader(uint subscription, PartitionId partition, IPartitionView view, IEventFilter filter, Cursor start,
        ReaderLimits limits, DeliveryRules rules)
    {
        _subscription = subscription;
        _partition = partition;
        _view = view;
        _filter = filter;
        _limits = limits;
        _lanes = new LaneSet(start, limits.MaxReadAheadBytes);
        _twins = new TwinCheck(view, rules);
        _twins.Restart(start);
        _awaited = new AwaitedLanes(view);
        _confirmed = start;
        _ground = rules.Ground ? origin => _confirmed[origin] : _lanes.Position;
    }

    /// <summary>What was counted.</summary>
    public ReaderCounts Counts => _counts;

    /// <summary>Bytes in the read-ahead.</summary>
    public int ReadAheadBytes => _lanes.Bytes;

    /// <summary>Whether the session may be waiting for a lane whose end is to be told (rule R15).</summary>
    public bool IsAwaiting => _awaited.Any;

    /// <summary>The next moment at which something is to be told that is held to be told together; <see langword="null"/> when there
    /// is nothing.</summary>
    public TimeSpan? NextDeadline
    {
        get
        {
            TimeSpan? next = null;
            foreach (PendingAdvance pending in _pending.Values)
            {
                TimeSpan due = pending.Since + _limits.AdvanceDelay;
                next = next is null || due < next ? due : next;
            }

            return next;
        }
    }

    /// <summary>Takes note of what is here of a lane.</summary>
    public void See(in LaneStatus status)
    {
        _lanes.See(status);
        _twins.Refresh();
    }

    /// <summary>The offset behind what was sent of a lane.</summary>
    public Offset Position(Origin origin) => _lanes.Position(origin);

    /// <summary>What should be read next.</summary>
    public bool TryWant(out Origin origin, out Offset from) => _lanes.TryWant(out origin, out from);

    /// <summary>Gives what was read; the reader owns the batch from now on.</summary>
    public void Offer(Origin origin, LaneBatch batch)
    {
        _lanes.Offer(origin, batch);
        _twins.Refresh();                            // it may hold copies of what is being looked at
    }

    /// <summary>Nothing before <paramref name="to"/> is kept here any more, as reading showed.</summary>
    public void OfferGap(Origin origin, Offset to) => _lanes.OfferGap(origin, to);

    /// <summary>The next delivery, or <see langword="null"/> when there is none now. Its bytes are valid until the next one is asked
    /// for.</summary>
    public Delivery? Next(TimeSpan now)
    {
        ReleaseFinished();
        if (_rewound)
        {
            _rewound = false;
            return new Delivery { Subscription = _subscription, Kind = DeliveryKind.Rewound, Partition = _partition, Cursor = _confirmed };
        }

        bool moved = true;
        while (moved)
        {
            moved = false;
            for (int i = 0; i < _lanes.Count; i++)
            {
                LaneRead lane = _lanes.InTurn(i);
                Offset before = lane.Position;
                if (OfLane(lane, now) is { } delivery)
                {
                    return delivery;
                }

                moved |= lane.Position > before;     // the turn has passed on: look at all of them again
            }
        }

        return DueAdvance(now) ?? NextRelease();
    }

    /// <summary>The SDK has confirmed a cursor: ground for skipping twins (rule R19e). One of another generation changes
    /// nothing.</summary>
    public void Confirmed(Cursor cursor)
    {
        if (cursor.Generation == _confirmed.Generation)
        {
            _confirmed = Cursor.Join(_confirmed, cursor);
            foreach (CursorJump jump in cursor.Jumps)
            {
                _twins.SteppedOver(jump);
            }
        }
    }

    /// <summary>The SDK threw away what followed in a lane: it is sent again from <paramref name="from"/> on (rule R19f). False for a
    /// place that was never sent.</summary>
    public bool Resume(Origin origin, Offset from)
    {
        if (_lanes.Find(origin) is not { } lane || from > lane.Position)
        {
            return false;
        }

        ReleaseFinished();
        _pending.Remove(origin);
        _lanes.Move(lane, from);
        _awaited.TellAgain(origin);
        return true;
    }

    /// <summary>Tells what the log knows of this cursor; when it was rewound elsewhere the session is told and begins again (rule
    /// R11).</summary>
    public bool Observe(Cursor known)
    {
        if (known.Generation.CompareTo(_confirmed.Generation) <= 0)
        {
            return false;
        }

        ReleaseFinished();
        _confirmed = known;
        _pending.Clear();
        _lanes.Restart(known);
        _twins.Restart(known);
        _awaited.Clear();
        _rewound = true;
        return true;
    }

    /// <summary>Lets the read-ahead go, for a session without credit; it is read again later.</summary>
    public void DropReadAhead()
    {
        ReleaseFinished();
        _lanes.Drop();
        _twins.Refresh();
    }

    private Delivery? OfLane(LaneRead lane, TimeSpan now)
    {
        while (true)
        {
            Offset next = lane.Head?.BaseOffset ?? lane.First;
            if (next > lane.Position)
            {
                return Flush(lane.Origin) ?? Gap(lane, next);
            }

            if (lane.Head is not { } head)
            {
                return null;
            }

            int from = (int)(lane.Position - head.BaseOffset);
            int twins = Choose(lane, head, from);
            if (_indexes.Count > 0)
            {
                AfterVector after = Reachable(head.After);
                if ((Flush(lane.Origin) ?? FlushAwaited(after)) is { } first)
                {
                    return first;                        // the batch is looked at again
                }

                _counts.TwinsSkipped += twins;
                return Events(lane, head, from, after);
            }

            _counts.TwinsSkipped += twins;
            if (Skip(lane, head, from, now) is { } full)
            {
                return full;
            }
        }
    }

    // Which events of the batch are sent; gives how many were twins.
    private int Choose(LaneRead lane, LaneBatch head, int from)
    {
        _indexes.Clear();
        int twins = 0;
        foreach (EventView view in head.Batch.Events)
        {
            if (view.Index < from || !_filter.Wants(lane.Origin, head.BaseOffset + view.Index, view.Topic.Span))
            {
                continue;
            }

            if (_twins.WasPassed(lane.Origin, head, view.Index, _ground))
            {
                twins++;
            }
            else
            {
                _indexes.Add(view.Index);
            }
        }

        return twins;
    }

    private Delivery Events(LaneRead lane, LaneBatch head, int from, AfterVector after)
    {
        bool whole = _indexes.Count == head.Batch.Header.Count;
        Delivery delivery = new()
        {
            Subscription = _subscription,
            Kind = DeliveryKind.Events,
            Partition = _partition,
            Origin = lane.Origin,
            From = lane.Position,
            To = head.NextOffset,
            After = after,
            Covered = [Run(head, from)],
            BatchOffset = head.BaseOffset,
            Indexes = whole ? [] : _indexes.ToArray(),
            Batch = whole ? head.Batch.Bytes : _cutter.Cut(head.Batch, _indexes).Bytes,
        };
        _counts.Given += _indexes.Count;
        _awaited.Sent(after, _lanes);
        lane.Position = head.NextOffset;
        _finished = _lanes.Take(lane);
        return delivery;
    }

    private Delivery? Skip(LaneRead lane, LaneBatch head, int from, TimeSpan now)
    {
        if (!_pending.TryGetValue(lane.Origin, out PendingAdvance? pending))
        {
            pending = new PendingAdvance(lane.Position, now);
            _pending.Add(lane.Origin, pending);
        }

        pending.Extend(head.NextOffset, Run(head, from));
        lane.Position = head.NextOffset;
        _lanes.Take(lane).Release();
        _twins.Refresh();
        return pending.Covered.Count >= _limits.MaxCoveredRuns ? Flush(lane.Origin) : null;
    }

    private Delivery Gap(LaneRead lane, Offset to)
    {
        Offset from = lane.Position;
        _counts.GapEvents += to - from;
        _twins.SteppedOver(new CursorJump(lane.Origin, from, to));
        lane.StepTo(to);
        return Told(DeliveryKind.Gap, lane.Origin, from, to);
    }

    private Delivery? Flush(Origin origin) =>
        _pending.Remove(origin, out PendingAdvance? pending)
            ? Told(DeliveryKind.Advance, origin, pending.From, pending.To, pending.Covered) : null;

    // What may wait for a stretch is not sent before it.
    private Delivery? FlushAwaited(AfterVector after)
    {
        if (_pending.Count > 0)
        {
            foreach (EventPlace place in after.Places)
            {
                if (Flush(place.Origin) is { } delivery)
                {
                    return delivery;
                }
            }
        }

        return null;
    }

    private Delivery? DueAdvance(TimeSpan now)
    {
        foreach ((Origin origin, PendingAdvance pending) in _pending)
        {
            if (now - pending.Since >= _limits.AdvanceDelay)
            {
                return Flush(origin);
            }
        }

        return null;
    }

    private Delivery? NextRelease()
    {
        if (!_awaited.TryRelease(_lanes, out Origin origin, out Offset at))
        {
            return null;
        }

        if (Flush(origin) is { } first)
        {
            _awaited.TellAgain(origin);                // told behind all that is here (rule R19c)
            return first;
        }

        _counts.ReleasedClosed++;
        return Told(DeliveryKind.Released, origin, at, at);
    }

    private AfterVector Reachable(AfterVector after)
    {
        foreach (EventPlace place in after.Places)
        {
            if (!_view.Reaches(place.Origin.Cluster))
            {
                after = after.Without(place.Origin);
            }
        }

        return after;
    }

    private Delivery Told(DeliveryKind kind, Origin origin, Offset from, Offset to, IReadOnlyList<SequenceRun>? covered = null) => new()
    {
        Subscription = _subscription,
        Kind = kind,
        Partition = _partition,
        Origin = origin,
        From = from,
        To = to,
        Covered = covered ?? [],
    };

    private static SequenceRun Run(LaneBatch head, int from) =>
        head.Batch.Header.Run with { First = head.Batch.Header.FirstSequence + from };

    private void ReleaseFinished()
    {
        _finished?.Release();
        _finished = null;
    }
}
