using Streams.Core;

namespace Streams.Simulation;

/// <summary>What one reader was given, in every generation, and what is pardoned: the books by which it is judged.</summary>
internal sealed class ReaderRecord(World world, string name)
{
    private readonly Dictionary<(Generation, int Partition), Dictionary<int, int>> _given = [];
    private readonly Dictionary<(Generation, int Partition, ProducerId, ulong Epoch), long> _last = [];
    private readonly Dictionary<(int Partition, Generation), Cursor> _rewound = [];
    private readonly HashSet<TruePlace> _jumped = [];
    private readonly HashSet<(ProducerId, int Partition)> _outOfOrder = [];
    private readonly HashSet<(ProducerId, int Partition, ulong Epoch)> _evicted = [];

    /// <summary>Whether each event may be given only once: an SDK with its memory.</summary>
    public bool IsOnce { get; set; }

    /// <summary>Whether order is judged: of two readers under one name each sees only a part.</summary>
    public bool IsOrdered { get; set; } = true;

    /// <summary>Events given, repetitions included.</summary>
    public long Given { get; private set; }

    public IReadOnlySet<TruePlace> Jumped => _jumped;

    /// <summary>An event was given.</summary>
    public void Give(Generation generation, TruePlace place, int uid)
    {
        TrueEvent e = world.Truth[uid];
        world.Truth.Name(place, uid, "given to " + name);
        Dictionary<int, int> given = Of(generation, e.Partition);
        int before = given.GetValueOrDefault(uid);
        given[uid] = before + 1;
        Given++;
        world.Trace?.Add($"{name} gets {world.Short(place)} e{uid} = {e.Sequence}/{e.Partition}");
        if (before > 0)
        {
            world.Tally.Add("given again: " + name);
            if (IsOnce && !_evicted.Contains((e.Producer, e.Partition, e.Epoch)))
            {
                world.Truth.Fail(Violation.LostOrTwice, $"{name} got e{uid} twice in generation {generation.Number}");
            }
        }
        else if (IsOrdered)
        {
            Order(generation, e);
        }
    }

    /// <summary>What was given and not kept is undone with the process that it was given to.</summary>
    public void Undo(IEnumerable<(Generation Generation, int Uid)> notKept, IReadOnlyDictionary<(Generation, int, ProducerId, ulong),
        long> last)
    {
        foreach ((Generation generation, int uid) in notKept)
        {
            Dictionary<int, int> given = Of(generation, world.Truth[uid].Partition);
            if (--given[uid] == 0)
            {
                given.Remove(uid);
            }
        }

        _last.Clear();
        foreach (((Generation, int, ProducerId, ulong) key, long sequence) in last)
        {
            _last[key] = sequence;
        }
    }

    /// <summary>A wait was given up (rule R15): events of this producer may come out of order from now on, marked.</summary>
    public void Released(ProducerId producer, int partition)
    {
        _outOfOrder.Add((producer, partition));
        world.Tally.Add("released: " + name);
    }

    /// <summary>What was remembered of a producer is forgotten (rule R17): what comes again later is given again.</summary>
    public void Evicted(ProducerId producer, int partition, ulong epoch) => _evicted.Add((producer, partition, epoch));

    public void SteppedOver(int partition, Origin origin, Offset from, Offset to)
    {
        for (long offset = from.Value; offset < to.Value; offset++)
        {
            _jumped.Add(new TruePlace(partition, origin, offset));
        }
    }

    public void Rewound(int partition, Cursor to, bool merges)
    {
        _rewound[(partition, to.Generation)] = merges && _rewound.TryGetValue((partition, to.Generation), out Cursor? known) ? Lower(known,
            to) : to;
    }

    /// <summary>How often an event was given in a generation.</summary>
    public int Times(Generation generation, int uid) => Of(generation, world.Truth[uid].Partition).GetValueOrDefault(uid);

    /// <summary>Whether one of an event's places lies before the point that the generation begins from.</summary>
    public bool IsBeforeStart(Generation generation, int uid)
    {
        if (!_rewound.TryGetValue((world.Truth[uid].Partition, generation), out Cursor? start))
        {
            return false;
        }

        foreach (TruePlace place in world.Truth.PlacesOf(uid))
        {
            if (place.Offset < start[place.Origin].Value)
            {
                return true;
            }
        }

        return false;
    }

    private void Order(Generation generation, in TrueEvent e)
    {
        (Generation, int, ProducerId, ulong) key = (generation, e.Partition, e.Producer, e.Epoch);
        long last = _last.GetValueOrDefault(key);
        if (e.Sequence < last && !_outOfOrder.Contains((e.Producer, e.Partition)) && !IsExcused(generation, e.Uid))
        {
            world.Truth.Fail(Violation.Inversion,
                $"{name} got {e.Sequence}/{e.Partition} (e{e.Uid}) of {world.NameOf(e.Producer)} after {last}");
        }

        _last[key] = Math.Max(last, e.Sequence);
    }

    // Late by declaration: a copy fell into a counted gap, stands where some reader's cluster gets nothing, or was before a rewind.
    private bool IsExcused(Generation generation, int uid)
    {
        foreach (TruePlace place in world.Truth.PlacesOf(uid))
        {
            if (_jumped.Contains(place) || !world.IsCommon(place.Origin))
            {
                return true;
            }
        }

        return !IsOnce && IsBeforeStart(generation, uid);
    }

    private Dictionary<int, int> Of(Generation generation, int partition)
    {
        if (!_given.TryGetValue((generation, partition), out Dictionary<int, int>? given))
        {
            _given[(generation, partition)] = given = [];
        }

        return given;
    }

    private static Cursor Lower(Cursor a, Cursor b)
    {
        Cursor lower = new(a.Generation, Cursor.Start.Positions, []);
        foreach ((Origin origin, Offset offset) in a.Positions)
        {
            if (b.Positions.TryGetValue(origin, out Offset other))
            {
                lower = lower.With(origin, offset < other ? offset : other);
            }
        }

        return lower;
    }
}
