using Streams.Core;

namespace Streams.Geo;

/// <summary>What is known of one link over its sessions: state, totals, errors. Safe for use by many threads.</summary>
internal sealed class LinkLedger(ClusterName name, TimeProvider time)
{
    private readonly Lock _gate = new();
    private LinkSession? _session;
    private LinkTotals _ended;
    private LinkState _state = LinkState.Down;
    private DateTimeOffset _since = time.GetUtcNow();
    private string? _lastError;
    private long _begun;

    /// <summary>The session that runs now, if any.</summary>
    public LinkSession? Session
    {
        get
        {
            lock (_gate)
            {
                return _session;
            }
        }
    }

    public void Connecting()
    {
        lock (_gate)
        {
            _state = LinkState.Connecting;
        }
    }

    /// <summary>A session begins; the one it takes the place of, if any, is given.</summary>
    public LinkSession? Begin(LinkSession session)
    {
        lock (_gate)
        {
            LinkSession? old = _session;
            _ended += old is null ? default : LinkTotals.Of(old);
            (_session, _state, _since) = (session, LinkState.Handshaking, time.GetUtcNow());
            _begun++;
            return old;
        }
    }

    /// <summary>A session is over; nothing changes when another one has taken its place.</summary>
    public void End(LinkSession? session, string reason)
    {
        lock (_gate)
        {
            if (_session == session)
            {
                _ended += session is null ? default : LinkTotals.Of(session);
                (_session, _state, _since, _lastError) = (null, LinkState.Down, time.GetUtcNow(), reason);
            }
        }
    }

    public LinkStatus Status()
    {
        lock (_gate)
        {
            LinkTotals totals = _session is null ? _ended : _ended + LinkTotals.Of(_session);
            (LinkState state, long lagEvents, long? oldest) = _session is null ? (_state, 0L, null) : _session.Look(Look);
            DateTimeOffset now = time.GetUtcNow();
            TimeSpan lag = oldest is { } at ? now - DateTimeOffset.UnixEpoch.AddTicks(at * TimeSpan.TicksPerMicrosecond) : TimeSpan.Zero;
            return new LinkStatus
            {
                Name = name,
                State = state,
                Since = _since,
                LastError = _lastError,
                BytesSent = totals.BytesSent,
                BytesReceived = totals.BytesReceived,
                Entries = totals.Entries,
                EntriesSpared = totals.Spared,
                GapEntries = totals.GapEntries,
                LagEvents = lagEvents,
                Lag = lag < TimeSpan.Zero ? TimeSpan.Zero : lag,
                Reconnects = Math.Max(0, _begun - 1),
            };
        }
    }

    private static (LinkState State, long LagEvents, long? Oldest) Look(ILinkMachine machine) => machine switch
    {
        LinkSender { IsLevel: true } => (LinkState.Level, 0, null),
        LinkSender { IsRunning: true } sender => (LinkState.CatchingUp, sender.LagEvents, sender.OldestUnacknowledged),
        LinkReceiver { IsLevel: true } => (LinkState.Level, 0, null),
        LinkReceiver { IsRunning: true } receiver => (LinkState.CatchingUp, receiver.LagEvents, null),
        _ => (LinkState.Handshaking, 0, null),
    };
}
