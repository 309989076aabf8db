namespace Streams.Client;

/// <summary>Whose turn it is of several senders on one connection: the lower the rank, the sooner; but each gets something.</summary>
/// <remarks>Time (since any fixed moment) is an argument. Safe for use by many threads; <c>wake</c> is called outside the lock. A sender
/// waits while one of a lower rank has something to send, unless it has saved up a share of what went before it, or has had no turn for
/// <see cref="Longest"/>: even a sender that is stuck holds no other up for ever.</remarks>
internal sealed class SendTurns
{
    /// <summary>Nobody waits longer for a turn.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);

    private const int Share = 8;                         // who waits gets this part of what goes before it
    private const long MostSaved = 256 << 10;

    private readonly Lock _lock = new();
    private readonly List<Sender> _senders = [];

    /// <summary>A further sender; the ranks are the order of these calls.</summary>
    /// <param name="wake">Called when its turn may have come.</param>
    /// <returns>Its rank, from 0.</returns>
    public int Add(Action wake)
    {
        lock (_lock)
        {
            _senders.Add(new Sender(wake));
            return _senders.Count - 1;
        }
    }

    /// <summary>A sender has something to send from now on, or has not.</summary>
    public void Wants(int rank, bool wants, TimeSpan now)
    {
        lock (_lock)
        {
            Sender sender = _senders[rank];
            if (sender.Wants == wants)
            {
                return;
            }

            sender.Wants = wants;
            if (wants)
            {
                sender.Since = now;
                return;
            }

            sender.Saved = 0;
        }

        Wake(rank);
    }

    /// <summary>Zero when it may send; else how long to wait before asking again, unless woken.</summary>
    public TimeSpan Wait(int rank, TimeSpan now)
    {
        lock (_lock)
        {
            Sender sender = _senders[rank];
            if (!IsHeldUp(rank) || sender.Saved > 0)
            {
                return TimeSpan.Zero;
            }

            TimeSpan left = Longest - (now - sender.Since);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <summary>A sender sends so many bytes.</summary>
    public void Sent(int rank, int bytes, TimeSpan now)
    {
        bool wakes = false;
        lock (_lock)
        {
            Sender sender = _senders[rank];
            sender.Since = now;
            if (IsHeldUp(rank))
            {
                sender.Saved = Math.Max(sender.Saved - bytes, -MostSaved);
            }

            for (int i = rank + 1; i < _senders.Count; i++)
            {
                Sender behind = _senders[i];
                if (behind.Wants)
                {
                    wakes |= behind.Saved <= 0;
                    behind.Saved = Math.Min(behind.Saved + Math.Max(1, bytes / Share), MostSaved);
                }
            }
        }

        if (wakes)
        {
            Wake(rank);
        }
    }

    private bool IsHeldUp(int rank)
    {
        for (int i = 0; i < rank; i++)
        {
            if (_senders[i].Wants)
            {
                return true;
            }
        }

        return false;
    }

    private void Wake(int rank)
    {
        for (int i = rank + 1; i < _senders.Count; i++)  // none is ever removed
        {
            _senders[i].Wake();
        }
    }

    private sealed class Sender(Action wake)
    {
        public Action Wake { get; } = wake;

        public bool Wants { get; set; }

        public TimeSpan Since { get; set; }

        public long Saved { get; set; }
    }
}
