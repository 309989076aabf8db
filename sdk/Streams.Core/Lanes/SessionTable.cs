namespace Streams.Core;

/// <summary>The newest session of each producer and what it sent last for each partition (rule R2). Volatile: a restart ends all
/// sessions.</summary>
/// <param name="firstNumber">Sessions are numbered behind it: one that rises from start to start keeps a number from being given
/// twice.</param>
/// <remarks>Safe for use by many threads. A producer that is forgotten here is refused and says hello again, so the bound costs nothing
/// but that.</remarks>
public sealed class SessionTable(long firstNumber)
{
    /// <summary>Most producers remembered: each takes some 200 bytes, and a node has fewer connections than this.</summary>
    public const int MaxSessions = 200_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<ProducerId, Session> _sessions = [];
    private readonly Queue<ProducerSession> _order = [];
    private long _last = firstNumber;

    private sealed class Session(long number)
    {
        public long Number => number;

        public bool IsOver { get; set; }

        public Dictionary<StreamPartition, (ulong Epoch, long Sequence)> Sent { get; } = [];
    }

    /// <summary>Opens a session and shuts out older ones of the producer.</summary>
    public ProducerSession Begin(ProducerId producer)
    {
        lock (_lock)
        {
            ProducerSession session = new(producer, ++_last);
            _sessions[producer] = new Session(session.Number);
            _order.Enqueue(session);
            while (_order.Count > MaxSessions)
            {
                ProducerSession oldest = _order.Dequeue();
                if (_sessions.TryGetValue(oldest.Producer, out Session? kept) && kept.Number == oldest.Number)
                {
                    _sessions.Remove(oldest.Producer);
                }
            }

            return session;
        }
    }

    /// <summary>Takes note of a batch that follows what the session sent before; else says why it is refused. A refusal ends the
    /// session.</summary>
    public ProduceRefusal Take(ProducerSession session, StreamPartition partition, in BatchHeader batch, out string detail)
    {
        lock (_lock)
        {
            detail = string.Empty;
            if (!_sessions.TryGetValue(session.Producer, out Session? open) || open.Number != session.Number)
            {
                detail = "a newer session of this producer is open, or the store was restarted: connect again";
                return ProduceRefusal.OlderSession;
            }

            (ulong Epoch, long Sequence) sent = open.Sent.GetValueOrDefault(partition);
            if (open.IsOver || sent != (batch.PredecessorEpoch, batch.PredecessorSequence))
            {
                detail = open.IsOver ? "the session ended with a refused batch: connect again"
                    : $"the batch follows {batch.PredecessorEpoch:x16}:{batch.PredecessorSequence}, taken last in this session was "
                        + $"{sent.Epoch:x16}:{sent.Sequence}: connect again and resend in order";
                open.IsOver = true;
                return ProduceRefusal.OutOfOrder;
            }

            open.Sent[partition] = (batch.Epoch, batch.LastSequence);
            return ProduceRefusal.None;
        }
    }

    /// <summary>Ends a session whose batch was refused for another reason, so that none behind it is taken.</summary>
    public void End(ProducerSession session)
    {
        lock (_lock)
        {
            if (_sessions.TryGetValue(session.Producer, out Session? open) && open.Number == session.Number)
            {
                open.IsOver = true;
            }
        }
    }

    /// <summary>Ends all sessions: a new incarnation writes another lane.</summary>
    public void EndAll()
    {
        lock (_lock)
        {
            _sessions.Clear();
            _order.Clear();
        }
    }
}
