using Streams.Core;

namespace Streams.Client;

/// <summary>What to try next.</summary>
/// <param name="Endpoint">Its place in the client's list.</param>
/// <param name="At">Not before this moment.</param>
internal readonly record struct ReconnectStep(int Endpoint, TimeSpan At);

/// <summary>Decides which cluster a client tries, and when: rounds over its list with growing, jittered pauses, and, when its cluster told
/// it so, spread over a window and by weights (decision 0009).</summary>
/// <remarks>Pure: time (since any fixed moment) and chance are arguments. Not safe for several threads. Small: a storm of 100,000 of them
/// fits into one process.</remarks>
internal sealed class ReconnectPlan
{
    private static readonly TimeSpan ShortestRest = TimeSpan.FromMilliseconds(500);

    private readonly IReadOnlyList<ClusterName> _clusters;
    private readonly ReconnectRules _rules;
    private readonly Place[] _places;
    private readonly byte[] _order;
    private readonly byte[] _wished;
    private int _next;
    private int _count;
    private TimeSpan _notBefore;
    private int _current = -1;
    private int _lost = -1;
    private int _rounds;
    private int _strikes;
    private int _goal;
    private int _rather = -1;
    private bool _lostComesLast;
    private bool _returns;

    /// <summary>A plan over a list of clusters, the preferred first; begins with a round at once.</summary>
    public ReconnectPlan(IReadOnlyList<ClusterName> clusters, ReconnectRules rules)
    {
        _clusters = clusters;
        _rules = rules;
        _places = new Place[clusters.Count];
        _order = new byte[clusters.Count];
        _wished = new byte[clusters.Count];
        for (int i = 0; i < _wished.Length; i++)
        {
            _wished[i] = (byte)i;
        }
    }

    /// <summary>The latest hint of the cluster that is, or was last, connected to; <see langword="null"/> when it gave none.</summary>
    public SpreadHint? Hint { get; private set; }

    /// <summary>Over how long that cluster's clients spread.</summary>
    public TimeSpan Window => Hint?.Window ?? TimeSpan.Zero;

    /// <summary>The cluster connected to has said what to do when it is lost.</summary>
    public void Take(SpreadHint hint) => Hint = hint;

    /// <summary>From the next round on the clusters are wished in this order, not in that of the list.</summary>
    public void Wish(ReadOnlySpan<byte> order) => order.CopyTo(_wished);

    /// <summary>The next try. Gives the same until the try is told of with <see cref="Failed"/> or <see cref="Connected"/>.</summary>
    public ReconnectStep Next(TimeSpan now, Random chance)
    {
        if (_next == _count)
        {
            BeginRound(now > _notBefore ? now : _notBefore, chance);
        }

        int endpoint = _order[_next];
        TimeSpan at = _notBefore > _places[endpoint].BusyUntil ? _notBefore : _places[endpoint].BusyUntil;
        return new ReconnectStep(endpoint, at > now ? at : now);
    }

    /// <summary>The try has led to a session.</summary>
    public void Connected()
    {
        _current = _order[_next];
        _places[_current] = new Place { Drops = _places[_current].Drops };
        _next = _count = 0;
        _rounds = 0;
        Hint = null;
    }

    /// <summary>The try has failed. With <paramref name="retryAfter"/> the cluster is there and says when it has room: not before is it
    /// tried again, and the others are spared those who were told the same: they come at random times within it, but within
    /// ten seconds.</summary>
    /// <param name="now">The time.</param>
    /// <param name="retryAfter">What the cluster asked for, or <see langword="null"/>.</param>
    /// <param name="rather">A cluster of the list to which it pointed, or -1.</param>
    /// <param name="chance">For jitter.</param>
    /// <returns>Whether the client spreads from now on: it found that its cluster is lost to all.</returns>
    public bool Failed(TimeSpan now, TimeSpan? retryAfter, int rather, Random chance)
    {
        int endpoint = _order[_next++];
        ref Place place = ref _places[endpoint];
        bool cameBackAlone = _returns && endpoint == _goal;
        _returns = _returns && endpoint != _goal;
        if (retryAfter is { } asked)
        {
            asked = asked < ReconnectRules.LongestRetryAfter ? asked : ReconnectRules.LongestRetryAfter;
            place.BusyUntil = now + (asked * (1 + (ReconnectRules.RetryJitter * chance.NextDouble())));
            TimeSpan within = asked < ReconnectRules.LongestToOthers ? asked : ReconnectRules.LongestToOthers;
            _notBefore = cameBackAlone ? now : now + (within * chance.NextDouble());
        }
        else if (++place.Failures >= ReconnectRules.FailuresToRest)
        {
            place.RestUntil = now + (_rules.Longest > ShortestRest ? _rules.Longest : ShortestRest);
        }

        Prefer(rather);
        if (endpoint == _lost && !_lostComesLast && Window > TimeSpan.Zero)
        {
            // It was not this client's own line: the cluster is gone, and all its clients find that out now.
            _rather = rather == endpoint ? -1 : rather;
            Spread(now, chance);
            return true;
        }

        if (_next == _count)
        {
            TimeSpan pause = now + _rules.Backoff(++_rounds, chance.NextDouble());
            TimeSpan room = EarliestRoom(now);
            _notBefore = pause > _notBefore ? pause : _notBefore;
            _notBefore = room < _notBefore ? room : _notBefore;
        }

        return false;
    }

    /// <summary>The session is over.</summary>
    /// <param name="loss">How it was lost.</param>
    /// <param name="wasUseful">Whether it was good for anything: one that was not must not be repeated at once.</param>
    /// <param name="isGood">Whether the cluster may come in its turn; else it comes last for a while.</param>
    /// <param name="now">The time.</param>
    /// <param name="chance">For the spread.</param>
    /// <param name="wasShort">Whether it ended before it counts as stable. The first such is gone on from at once; each further one in a
    /// row makes the pause longer, however useful it was, and a cluster that ended three comes last for a while.</param>
    /// <param name="rather">A cluster of the list to which the lost one pointed, or -1: it comes first.</param>
    /// <returns>Whether the client spreads from now on: its cluster may be lost to all.</returns>
    public bool Lost(SessionLoss loss, bool wasUseful, bool isGood, TimeSpan now, Random chance, bool wasShort = false, int rather = -1)
    {
        _lost = _current;
        _next = _count = 0;
        _returns = _lostComesLast = false;
        _rather = rather == _lost ? -1 : rather;
        _strikes = wasUseful && !wasShort ? 0 : _strikes + 1;
        int fruitless = wasUseful ? _strikes - 1 : _strikes;
        _notBefore = fruitless <= 0 ? now : now + _rules.Backoff(fruitless, chance.NextDouble());
        if (_lost >= 0)
        {
            ref Place place = ref _places[_lost];
            place.Drops = !wasShort ? 0 : loss == SessionLoss.Together ? place.Drops + 1 : place.Drops;
            if (!isGood || place.Drops >= ReconnectRules.DropsToRest)
            {
                place.RestUntil = now + _rules.AvoidFor;
                place.Drops = 0;
            }
        }

        if (loss == SessionLoss.Together && Window > TimeSpan.Zero)
        {
            Spread(now, chance);
            return true;
        }

        return false;
    }

    /// <summary>The session was ended in order to go to a better cluster: the preferred one, unless <paramref name="goal"/> names
    /// another.</summary>
    public void Return(TimeSpan now, int goal = 0)
    {
        _goal = goal;
        _rather = -1;
        _lost = _current;
        _next = _count = 0;
        _lostComesLast = false;
        _returns = true;
        _strikes = 0;
        _notBefore = now;
    }

    private void Spread(TimeSpan now, Random chance)
    {
        _lostComesLast = true;
        _next = _count = 0;
        TimeSpan at = now + (Window * chance.NextDouble());
        _notBefore = at > _notBefore ? at : _notBefore;
    }

    // The cluster pointed to comes next; if it has had its turn in this round, it begins the next one.
    private void Prefer(int endpoint)
    {
        if (endpoint >= 0)
        {
            _rather = Array.IndexOf(_order, (byte)endpoint, _next, _count - _next) < 0 ? endpoint : -1;
        }

        int at = Array.IndexOf(_order, (byte)endpoint, _next, _count - _next);
        if (endpoint >= 0 && at > _next)
        {
            (_order[_next], _order[at]) = (_order[at], _order[_next]);
        }
    }

    private TimeSpan EarliestRoom(TimeSpan now)
    {
        TimeSpan earliest = TimeSpan.MaxValue;
        foreach (Place place in _places)
        {
            earliest = place.BusyUntil > now && place.BusyUntil < earliest ? place.BusyUntil : earliest;
        }

        return earliest;
    }

    // In the order wished; those that failed lately, or are no good, behind the others; busy ones only when there is nobody else.
    private void BeginRound(TimeSpan at, Random chance)
    {
        Span<byte> wished = stackalloc byte[_places.Length];
        Wish(wished, chance);
        _next = _count = 0;
        if (_rather >= 0 && _places[_rather].BusyUntil <= at)
        {
            _order[_count++] = (byte)_rather;            // by the word of a cluster, also when it rested
        }

        Append(wished, at, resting: false);
        Append(wished, at, resting: true);
        _rather = -1;
        if (_count == 0)
        {
            byte first = wished[0];
            foreach (byte i in wished)
            {
                first = _places[i].BusyUntil < _places[first].BusyUntil ? i : first;
            }

            _order[_count++] = first;
        }
    }

    private void Append(ReadOnlySpan<byte> wished, TimeSpan at, bool resting)
    {
        foreach (byte i in wished)
        {
            if (i != _rather && _places[i].BusyUntil <= at && (_places[i].RestUntil > at) == resting)
            {
                _order[_count++] = i;
            }
        }
    }

    // Without weights the order wished; with weights the cluster lost (unless all its clients are out), those drawn, the rest of the list.
    private void Wish(Span<byte> wished, Random chance)
    {
        Span<int> weights = stackalloc int[_places.Length];
        int total = Weigh(weights);
        Span<bool> taken = stackalloc bool[_places.Length];
        int n = 0;
        if (_returns)
        {
            Add(_goal, wished, taken, ref n);
        }

        if (total > 0 && _lost >= 0 && !_lostComesLast)
        {
            Add(_lost, wished, taken, ref n);
        }

        bool lostComesLast = _lost >= 0 && _lostComesLast;
        if (lostComesLast)
        {
            taken[_lost] = true;
        }

        while (Draw(weights, taken, chance) is var drawn and >= 0)
        {
            Add(drawn, wished, taken, ref n);
        }

        foreach (byte i in _wished)
        {
            if (!taken[i])
            {
                Add(i, wished, taken, ref n);
            }
        }

        if (lostComesLast)
        {
            wished[n] = (byte)_lost;
        }
    }

    private static void Add(int endpoint, Span<byte> wished, Span<bool> taken, ref int n)
    {
        wished[n++] = (byte)endpoint;
        taken[endpoint] = true;
    }

    private int Weigh(Span<int> weights)
    {
        int total = 0;
        foreach (WeightedCluster place in Hint?.Elsewhere ?? [])
        {
            for (int i = 0; i < weights.Length; i++)
            {
                if (_clusters[i] == place.Cluster && i != _lost)
                {
                    weights[i] = place.Weight;
                    total += place.Weight;
                }
            }
        }

        return total;
    }

    private static int Draw(ReadOnlySpan<int> weights, ReadOnlySpan<bool> taken, Random chance)
    {
        int total = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            total += taken[i] ? 0 : weights[i];
        }

        if (total == 0)
        {
            return -1;
        }

        int at = chance.Next(total);
        for (int i = 0; ; i++)
        {
            at -= taken[i] ? 0 : weights[i];
            if (at < 0)
            {
                return i;
            }
        }
    }

    private struct Place
    {
        /// <summary>Failures since it was last connected to.</summary>
        public int Failures;

        /// <summary>Sessions in a row that it took and ended before they were stable.</summary>
        public int Drops;

        /// <summary>Until then it comes behind the others.</summary>
        public TimeSpan RestUntil;

        /// <summary>Until then it has no room, by its own word.</summary>
        public TimeSpan BusyUntil;
    }
}
