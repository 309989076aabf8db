using System.Collections.Immutable;
using Streams.Core;

namespace Streams.Gateways;

/// <summary>The one order in which a session is given, skips and steps over (rule R9): the cursor that may be committed is the
/// position vector at
/// the longest prefix of it that is confirmed. So a skip never overtakes the reason for it.</summary>
/// <remarks>What is skipped behind an unconfirmed event is kept as one position for each lane, so the memory is bounded by what is in
/// flight times the
/// lanes, however much is skipped.</remarks>
internal sealed class SessionOrder
{
    private readonly DeliveryRules _rules;
    private Given[] _ring = new Given[16];
    private ImmutableSortedDictionary<Origin, Offset>.Builder _positions;
    private ImmutableSortedSet<CursorJump> _jumps;
    private Generation _generation;
    private long _first = 1;
    private long _next = 1;

    public SessionOrder(Cursor cursor, DeliveryRules rules)
    {
        _rules = rules;
        _generation = cursor.Generation;
        _positions = cursor.Positions.ToBuilder();
        _jumps = cursor.Jumps;
    }

    /// <summary>Events given and not yet behind the confirmed prefix.</summary>
    public int Count => (int)(_next - _first);

    /// <summary>Whether the prefix grew since <see cref="TakeCursor"/>.</summary>
    public bool IsDirty { get; private set; }

    /// <summary>The vector at the longest confirmed prefix; what it tells is then no longer news.</summary>
    public Cursor TakeCursor()
    {
        IsDirty = false;
        return new Cursor(_generation, _positions.ToImmutable(), _jumps);
    }

    /// <summary>The commit of what was taken failed: it is news again.</summary>
    public void Retry() => IsDirty = true;

    /// <summary>An event was given; gives the ticket by which it is confirmed.</summary>
    public long Give(Origin origin, Offset next)
    {
        if (Count == _ring.Length)
        {
            Grow();
        }

        ref Given given = ref At(_next);
        given.Origin = origin;
        given.Next = next;
        given.Confirmed = false;
        return _next++;
    }

    /// <summary>Everything of a lane before <paramref name="next"/> needs no confirmation: skipped, or stepped over with
    /// <paramref name="jump"/>.</summary>
    public void Pass(Origin origin, Offset next, CursorJump? jump = null)
    {
        if (Count == 0 || (!_rules.Prefix && !IsInFlight(origin)))
        {
            Apply(origin, next, jump);
            return;
        }

        ref Given last = ref At(_next - 1);
        last.Behind ??= [];
        int at = last.Behind.FindIndex(p => p.Origin == origin);
        if (at >= 0 && jump is null)
        {
            last.Behind[at] = last.Behind[at] with { Next = next };
            return;
        }

        last.Behind.Add(new Passed(origin, next, jump));
    }

    /// <summary>The receiver has an event. Tickets from before a restart are ignored.</summary>
    public void Confirm(long ticket)
    {
        if (ticket < _first || ticket >= _next)
        {
            return;
        }

        At(ticket).Confirmed = true;
        while (_first < _next && At(_first).Confirmed)
        {
            ref Given given = ref At(_first++);
            Apply(given.Origin, given.Next, null);
            if (given.Behind is { Count: > 0 } behind)
            {
                behind.ForEach(p => Apply(p.Origin, p.Next, p.Jump));
                behind.Clear();
            }
        }
    }

    /// <summary>Begins again at another cursor (rule R11); what is in flight confirms nothing any more.</summary>
    public void Restart(Cursor cursor)
    {
        for (; _first < _next; _first++)
        {
            At(_first).Behind?.Clear();
        }

        _generation = cursor.Generation;
        _positions = cursor.Positions.ToBuilder();
        _jumps = cursor.Jumps;
        IsDirty = false;
    }

    private ref Given At(long ticket) => ref _ring[ticket & (_ring.Length - 1)];

    private void Apply(Origin origin, Offset next, CursorJump? jump)
    {
        if (!_positions.TryGetValue(origin, out Offset known) || next > known)
        {
            _positions[origin] = next;
            IsDirty = true;
        }

        if (jump is { } stepped && !_jumps.Contains(stepped))
        {
            _jumps = _jumps.Add(stepped);
            IsDirty = true;
        }
    }

    private bool IsInFlight(Origin origin)
    {
        for (long ticket = _first; ticket < _next; ticket++)
        {
            if (At(ticket).Origin == origin)
            {
                return true;
            }
        }

        return false;
    }

    private void Grow()
    {
        Given[] wider = new Given[_ring.Length * 2];
        for (long ticket = _first; ticket < _next; ticket++)
        {
            wider[ticket & (wider.Length - 1)] = At(ticket);
        }

        _ring = wider;
    }

    private struct Given
    {
        public Origin Origin;
        public Offset Next;
        public bool Confirmed;
        public List<Passed>? Behind;
    }

    private readonly record struct Passed(Origin Origin, Offset Next, CursorJump? Jump);
}
