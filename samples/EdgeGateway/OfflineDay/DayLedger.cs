namespace EdgeGateway;

/// <summary>What became of the numbered events of a day, in a few bytes for each device. Deliveries come from one thread.</summary>
internal sealed class DayLedger(int devices)
{
    private readonly int[] _sent = new int[devices];
    private readonly int[] _last = new int[devices];
    private long _acknowledged;
    private long _delivered;

    /// <summary>Events that the agent acknowledged.</summary>
    public long Acknowledged => Interlocked.Read(ref _acknowledged);

    /// <summary>Events delivered, each once.</summary>
    public long Delivered => Interlocked.Read(ref _delivered);

    /// <summary>Events delivered behind a later one of their device, or twice.</summary>
    public long OutOfOrderOrTwice { get; private set; }

    /// <summary>Events that were left out before one that was delivered, and at the ends of devices.</summary>
    public long Missing { get; private set; }

    /// <summary>How many stretches those are.</summary>
    public long Gaps { get; private set; }

    /// <summary>The agent acknowledged the next event of a device; numbers begin with 1. One caller for a device.</summary>
    public void Acknowledge(int device)
    {
        _sent[device]++;
        Interlocked.Increment(ref _acknowledged);
    }

    /// <summary>The back end was given an event.</summary>
    public void Deliver(int device, int number)
    {
        int left = number - _last[device] - 1;
        if (left < 0)
        {
            OutOfOrderOrTwice++;
            return;
        }

        Gaps += left > 0 ? 1 : 0;
        Missing += left;
        _last[device] = number;
        Interlocked.Increment(ref _delivered);
    }

    /// <summary>No more comes: what was acknowledged behind the last that was delivered is missing too.</summary>
    public void Close()
    {
        for (int i = 0; i < _sent.Length; i++)
        {
            int left = _sent[i] - _last[i];
            Gaps += left > 0 ? 1 : 0;
            Missing += Math.Max(0, left);
        }
    }
}
