using Streams.Core;

namespace Streams.Gateways;

/// <summary>What a plain session (an MQTT subscriber) is given of one partition, and in which order (rules R9, R10, R11, R15).</summary>
/// <remarks>Pure: no I/O, no clock, no threads; the same calls give the same answers. The shell around it tells what lanes there are
/// (<see cref="See"/>), reads what is wanted (<see cref="TryWant"/>) and offers it (<see cref="Offer"/>), takes events until there are
/// no more
/// (<see cref="TryNext"/>), confirms them, and commits <see cref="TakeCursor"/>. A batch that has to wait blocks its lane; its bytes
/// are let go
/// meanwhile. Not safe for several threads.</remarks>
public sealed class GatedReader
{
    private readonly IEventFilter _filter;
    private readonly LaneSet _lanes;
    private readonly AfterGate _gate;
    private readonly TwinCheck _twins;
    private readonly SessionOrder _order;
    private readonly BatchWindow _window = new();
    private readonly Func<Origin, Offset> _position;
    private LaneBatch? _finished;
    private ReaderCounts _counts;

    /// <summary>A reader that begins at <paramref name="cursor"/>.</summary>
    public GatedReader(IPartitionView view, IEventFilter filter, Cursor cursor, ReaderLimits limits)
        : this(view, filter, cursor, limits, DeliveryRules.All)
    {
    }

    internal GatedReader(IPartitionView view, IEventFilter filter, Cursor cursor, ReaderLimits limits, DeliveryRules rules)
    {
        _filter = filter;
        _lanes = new LaneSet(cursor, limits.MaxReadAheadBytes);
        _gate = new AfterGate(view, limits.Patience);
        _twins = new TwinCheck(view, rules);
        _twins.Restart(cursor);
        _order = new SessionOrder(cursor, rules);
        _position = _lanes.Position;
        Generation = cursor.Generation;
    }

    /// <summary>The generation that it reads in (rule R11).</summary>
    public Generation Generation { get; private set; }

    /// <summary>What was counted.</summary>
    public ReaderCounts Counts => _counts;

    /// <summary>Events given whose confirmation is awaited.</summary>
    public int InFlight => _order.Count;

    /// <summary>Bytes in the read-ahead.</summary>
    public int ReadAheadBytes => _lanes.Bytes;

    /// <summary>Whether the cursor to be committed moved since it was last taken.</summary>
    public bool HasNews => _order.IsDirty;

    /// <summary>Whether a lane has to wait for another.</summary>
    public bool IsWaiting { get; private set; }

    /// <summary>The next moment at which patience runs out; <see langword="null"/> when nothing waits.</summary>
    public TimeSpan? NextDeadline(TimeSpan now) => IsWaiting ? _gate.NextDeadline(now) : null;

    /// <summary>Takes note of what is here of a lane.</summary>
    public void See(in LaneStatus status)
    {
        _lanes.See(status);
        _twins.Refresh();
    }

    /// <summary>The session's position in a lane: everything before it was given, skipped or stepped over.</summary>
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

    /// <summary>The next event for the session; false when nothing can be given now.</summary>
    public bool TryNext(TimeSpan now, out GivenEvent given)
    {
        ReleaseFinished();
        given = default;
        bool moved = true;
        while (moved)
        {
            moved = false;
            IsWaiting = false;
            for (int i = 0; i < _lanes.Count; i++)
            {
                LaneRead lane = _lanes.InTurn(i);
                Offset before = lane.Position;
                if (StepGap(lane) && TryGive(lane, now, out given))
                {
                    return true;
                }

                moved |= lane.Position > before;     // then another lane may be free now
                IsWaiting |= lane.WaitsFor is not null;
            }
        }

        return false;
    }

    /// <summary>The session has the event for good: acknowledged, or written when it was promised at most once.</summary>
    public void Confirm(long ticket) => _order.Confirm(ticket);

    /// <summary>The cursor to commit: the position vector at the longest confirmed prefix (rule R9).</summary>
    public Cursor TakeCursor() => _order.TakeCursor();

    /// <summary>The commit failed; the cursor is still to be committed.</summary>
    public void RetryCommit() => _order.Retry();

    /// <summary>Tells what the log knows of this cursor; begins again when it was rewound elsewhere (rule R11).</summary>
    public bool Observe(Cursor known)
    {
        if (known.Generation.CompareTo(Generation) <= 0)
        {
            return false;
        }

        ReleaseFinished();
        _window.Clear();
        Generation = known.Generation;
        _lanes.Restart(known);
        _gate.Clear();
        _twins.Restart(known);
        _order.Restart(known);
        return true;
    }

    /// <summary>Lets the read-ahead go, for a session that can take nothing now; it is read again later.</summary>
    public void DropReadAhead()
    {
        ReleaseFinished();
        _window.Clear();
        _lanes.Drop();
        _twins.Refresh();
    }

    // False when there is nothing in the read-ahead to go on with.
    private bool StepGap(LaneRead lane)
    {
        Offset next = lane.Head?.BaseOffset ?? lane.First;
        if (next > lane.Position)
        {
            CursorJump jump = new(lane.Origin, lane.Position, next);
            _counts.GapEvents += next - lane.Position;
            _twins.SteppedOver(jump);
            lane.StepTo(next);
            _order.Pass(lane.Origin, next, jump);
        }

        return lane.Head is not null || lane.WaitsFor is not null;
    }

    private bool TryGive(LaneRead lane, TimeSpan now, out GivenEvent given)
    {
        given = default;
        while (IsAdmitted(lane, now) && lane.Head is { } head)
        {
            Offset from = lane.Position;
            while (lane.Position < head.NextOffset)
            {
                Offset offset = lane.Position;
                int index = (int)(offset - head.BaseOffset);
                ref readonly EventView view = ref _window[head.Batch, index];
                bool wanted = _filter.Wants(lane.Origin, offset, view.Topic.Span);
                bool isTwin = wanted && _twins.WasPassed(lane.Origin, head, index, _position);
                lane.Position = offset + 1;
                if (wanted && !isTwin)
                {
                    given = Give(lane, from, offset, view);
                    FinishIfDone(lane, head);
                    return true;
                }

                _counts.TwinsSkipped += isTwin ? 1 : 0;
            }

            _order.Pass(lane.Origin, lane.Position);
            FinishIfDone(lane, head);
            ReleaseFinished();
            if (lane.Head is null || !StepGap(lane))
            {
                return false;
            }
        }

        return false;
    }

    private GivenEvent Give(LaneRead lane, Offset from, Offset offset, in EventView view)
    {
        if (offset > from)
        {
            _order.Pass(lane.Origin, offset);
        }

        _counts.Given++;
        return new GivenEvent(_order.Give(lane.Origin, offset + 1), lane.Origin, offset, lane.AdmittedBy, view);
    }

    // The gate is asked once for each batch, before its first event (rules R5, R15).
    private bool IsAdmitted(LaneRead lane, TimeSpan now)
    {
        if (lane.WaitsFor is { } awaited)
        {
            if (!_gate.Passes(awaited, _lanes, lane.WaitsSince, now, out Release by))
            {
                return false;
            }

            Admit(lane, lane.Position, by);
            return true;
        }

        if (lane.Head is not { } head || IsWithin(lane, head))
        {
            return lane.Head is not null;
        }

        if (_gate.Passes(head.After, _lanes, head.ArrivedAt, now, out Release release))
        {
            Admit(lane, head.BaseOffset, release);
            return true;
        }

        _lanes.Park(lane);
        _window.Clear();
        return false;
    }

    private static bool IsWithin(LaneRead lane, LaneBatch head) =>
        lane.Admitted is { } admitted && admitted >= head.BaseOffset && admitted < head.NextOffset;

    private void Admit(LaneRead lane, Offset at, Release by)
    {
        lane.Unpark(at);
        lane.AdmittedBy = by;
        _counts.ReleasedByPatience += by == Release.Patience ? 1 : 0;
        _counts.ReleasedClosed += by == Release.Closed ? 1 : 0;
    }

    private void FinishIfDone(LaneRead lane, LaneBatch head)
    {
        if (lane.Position >= head.NextOffset)
        {
            _finished = _lanes.Take(lane);
        }
    }

    // An event's bytes must last until the next one is asked for.
    private void ReleaseFinished()
    {
        if (_finished is { } finished)
        {
            _finished = null;
            _window.Clear();
            finished.Release();
        }
    }
}
