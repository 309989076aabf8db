using Streams.Core;
using Streams.Gateways;

namespace Streams.Simulation;

/// <summary>How a connection attempt ends.</summary>
internal enum StormAnswer
{
    Taken,
    Busy,
    Dead,
    NoAnswer,
}

/// <summary>One cluster: a queue in front of handshakes that cost time, and the product's own limit and rule for hints.</summary>
internal sealed class StormCluster
{
    /// <summary>Connections that the system keeps while the program has not taken them; beyond it they get no answer.</summary>
    public const int Backlog = 4096;

    /// <summary>A refusal costs a tenth of a handshake.</summary>
    private const int RefusalsPerHandshake = 10;

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RoundTrip = TimeSpan.FromMilliseconds(20);

    private readonly TimeSpan _handshake;
    private readonly AcceptBucket? _bucket;
    private readonly Queue<TimeSpan> _waiting = new();
    private TimeSpan _busyUntil;

    public StormCluster(ClusterName name, StormOptions options, bool limits, SpreadRule rule)
    {
        Name = name;
        Rule = rule;
        Told = rule.Hint(0);
        _handshake = TimeSpan.FromSeconds(1) / options.HandshakesPerSecond;
        _bucket = limits ? new AcceptBucket(options.AcceptRate, AcceptGate.LongestWait) : null;
    }

    public ClusterName Name { get; }

    public SpreadRule Rule { get; }

    public SpreadHint Told { get; private set; }

    public bool IsUp { get; set; } = true;

    public int Devices { get; set; }

    /// <summary>Attempts by the second.</summary>
    public List<int> Attempts { get; } = [];

    public int Refused { get; private set; }

    public int Unanswered { get; private set; }

    /// <summary>Someone connects; gives how and when that ends, as the device sees it.</summary>
    public (StormAnswer Answer, TimeSpan At, TimeSpan? RetryAfter) Connect(TimeSpan now)
    {
        Count((int)now.TotalSeconds);
        if (!IsUp)
        {
            return (StormAnswer.Dead, now + RoundTrip, null);
        }

        while (_waiting.TryPeek(out TimeSpan begins) && begins <= now)
        {
            _waiting.Dequeue();
        }

        if (_waiting.Count >= Backlog)
        {
            Unanswered++;
            return (StormAnswer.NoAnswer, now + ConnectTimeout, null);
        }

        TimeSpan start = _busyUntil > now ? _busyUntil : now;
        TimeSpan? wait = _bucket?.TryTake(start);
        _waiting.Enqueue(start);
        _busyUntil = start + (wait is null ? _handshake : _handshake / RefusalsPerHandshake);
        if (_busyUntil - now > ConnectTimeout)
        {
            Unanswered++;                                // worked for, and nobody there any more
            return (StormAnswer.NoAnswer, now + ConnectTimeout, null);
        }

        Refused += wait is null ? 0 : 1;
        return (wait is null ? StormAnswer.Taken : StormAnswer.Busy, _busyUntil + RoundTrip, wait);
    }

    /// <summary>Counts its devices as the product does; true when all are told anew.</summary>
    public bool Look()
    {
        SpreadHint now = Rule.Hint(Devices);
        if (!SpreadRule.IsNews(Told, now))
        {
            return false;
        }

        Told = now;
        return true;
    }

    private void Count(int second)
    {
        while (Attempts.Count <= second)
        {
            Attempts.Add(0);
        }

        Attempts[second]++;
    }
}
