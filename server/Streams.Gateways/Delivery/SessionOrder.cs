using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Streams.Core;

namespace Streams.Gateways;

/// <summary>The one order in which a session is given, skips and steps over (rule R9): the cursor that may be committed is the
/// position vector at
/// the longest prefix of it that is confirmed. So a skip never overtakes the reason for it.</summary>
/// <remarks>What is skipped or confirmed behind an unconfirmed event is kept with that event as one position for each lane, so the memory
/// is bounded by what is in flight times the lanes, however much is skipped and however far others are ahead of the one that
/// waits.</remarks>
internal sealed class SessionOrder
{
    // A ticket is the place in the table and, above it, a number that is never used twice.
    private const int PlaceBits = 24;
    private const int None = -1;

    private readonly DeliveryRules _rules;
    private Given[] _table = new Given[16];
    private ImmutableSortedDictionary<Origin, Offset>.Builder _positions;
    private ImmutableSortedSet<CursorJump> _jumps;
    private Generation _generation;
    private long _serial;
    private int _first = None;
    private int _last = None;
    private int _free = None;
    private int _used;

    public SessionOrder(Cursor cursor, DeliveryRules rules)
    {
        _rules = rules;
        _generation = cursor.Generation;
        _positions = cursor.Positions.ToBuilder();
        _jumps = cursor.Jumps;
    }

    /// <summary>Events given and not confirmed.</summary>
    public int Count { get; private set; }

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
        int place = TakePlace();
        ref Given given = ref _table[place];
        given.Ticket = (++_serial << PlaceBits) | (uint)place;
        given.Origin = origin;
        given.Next = next;
        given.Before = _last;
        given.After = None;
        if (_last == None)
        {
            _first = place;
        }
        else
        {
            _table[_last].After = place;
        }

        _last = place;
        Count++;
        return given.Ticket;
    }

    /// <summary>Everything of a lane before <paramref name="next"/> needs no confirmation: skipped, or stepped over with
    /// <paramref name="jump"/>.</summary>
    public void Pass(Origin origin, Offset next, CursorJump? jump = null)
    {
        if (_last == None || (!_rules.Prefix && !IsInFlight(origin)))
        {
            Apply(origin, next, jump);
            return;
        }

        Keep(ref _table[_last], origin, next, jump);
    }

    /// <summary>The receiver has an event. Tickets from before a restart are ignored.</summary>
    public void Confirm(long ticket)
    {
        int place = (int)(ticket & ((1 << PlaceBits) - 1));
        if (place >= _used || _table[place].Ticket != ticket)
        {
            return;
        }

        ref Given given = ref _table[place];
        if (given.Before == None)
        {
            Apply(given.Origin, given.Next, null);
            foreach (ref readonly Passed passed in CollectionsMarshal.AsSpan(given.Behind))
            {
                Apply(passed.Origin, passed.Next, passed.Jump);
            }
        }
        else
        {
            // It waits with the one before it: where that is confirmed, this is.
            ref Given before = ref _table[given.Before];
            Keep(ref before, given.Origin, given.Next, null);
            foreach (ref readonly Passed passed in CollectionsMarshal.AsSpan(given.Behind))
            {
                Keep(ref before, passed.Origin, passed.Next, passed.Jump);
            }
        }

        Unlink(place);
    }

    /// <summary>Begins again at another cursor (rule R11); what is in flight confirms nothing any more.</summary>
    public void Restart(Cursor cursor)
    {
        while (_first != None)
        {
            Unlink(_first);
        }

        _generation = cursor.Generation;
        _positions = cursor.Positions.ToBuilder();
        _jumps = cursor.Jumps;
        IsDirty = false;
    }

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

    // Positions of a lane only rise in the order of what is given and passed.
    private static void Keep(ref Given given, Origin origin, Offset next, CursorJump? jump)
    {
        given.Behind ??= [];
        if (jump is null)
        {
            foreach (ref Passed passed in CollectionsMarshal.AsSpan(given.Behind))
            {
                if (passed.Origin == origin)
                {
                    passed = passed with { Next = Offset.Max(passed.Next, next) };
                    return;
                }
            }
        }

        given.Behind.Add(new Passed(origin, next, jump));
    }

    private bool IsInFlight(Origin origin)
    {
        for (int place = _first; place != None; place = _table[place].After)
        {
            if (_table[place].Origin == origin || _table[place].Behind?.Exists(p => p.Origin == origin) == true)
            {
                return true;
            }
        }

        return false;
    }

    private int TakePlace()
    {
        if (_free != None)
        {
            int place = _free;
            _free = _table[place].After;
            return place;
        }

        if (_used == _table.Length)
        {
            if (_used == 1 << PlaceBits)
            {
                throw new InvalidOperationException($"{_used} events are under way to one reader");
            }

            Array.Resize(ref _table, _used * 2);
        }

        return _used++;
    }

    private void Unlink(int place)
    {
        ref Given given = ref _table[place];
        if (given.Before == None)
        {
            _first = given.After;
        }
        else
        {
            _table[given.Before].After = given.After;
        }

        if (given.After == None)
        {
            _last = given.Before;
        }
        else
        {
            _table[given.After].Before = given.Before;
        }

        given.Behind?.Clear();
        given.Ticket = 0;
        given.After = _free;
        _free = place;
        Count--;
    }

    private struct Given
    {
        public long Ticket;
        public Origin Origin;
        public Offset Next;
        public int Before;
        public int After;
        public List<Passed>? Behind;
    }

    private readonly record struct Passed(Origin Origin, Offset Next, CursorJump? Jump);
}
