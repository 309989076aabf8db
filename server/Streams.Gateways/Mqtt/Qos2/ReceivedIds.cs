namespace Streams.Gateways;

/// <summary>What to do with a PUBLISH of QoS 2.</summary>
internal enum ReceivedStep
{
    /// <summary>It was given before: PUBREC once more, nothing else.</summary>
    Repeat,

    /// <summary>To be taken, unless the log knows better: the connection that it came over first may have been lost.</summary>
    Take,

    /// <summary>To be taken whatever the log knows of its identifier: that is older.</summary>
    TakeAsNew,

    /// <summary>As many identifiers are in use as may be.</summary>
    Full,
}

/// <summary>Which identifiers of QoS 2 a client uses: those of this connection with what becomes of them, and those that its session had
/// before. Pure but for the tasks that it is given.</summary>
/// <remarks>An identifier is in use from its PUBLISH until its PUBREL, or until a PUBREC that refuses it. Repeats on one connection are
/// known by that alone. Of an identifier that an earlier connection used the log says that it is in use, and what the log says may be
/// old where the client has been at another cluster meanwhile, whose word that the identifier is free has not come yet. There the DUP
/// flag decides, which a client must set on a repeat and on nothing else (MQTT-3.3.1-1, MQTT-3.3.1-2): a message without it is new, and
/// to take it for a repeat would lose it. Safe for use by two threads.</remarks>
/// <param name="earlier">What the log says is in use.</param>
/// <param name="isShared">Whether other clusters have sessions that are kept here too.</param>
/// <param name="max">Most identifiers at once.</param>
internal sealed class ReceivedIds(IEnumerable<ushort> earlier, bool isShared, int max)
{
    private readonly Dictionary<ushort, Task<Answer>> _taken = [];
    private readonly HashSet<ushort> _earlier = [.. earlier];
    private readonly Lock _lock = new();

    /// <summary>Identifiers that this connection uses.</summary>
    public int Outstanding
    {
        get
        {
            lock (_lock)
            {
                return _taken.Count;
            }
        }
    }

    /// <summary>Whether this connection uses an identifier.</summary>
    public bool Knows(ushort packetId)
    {
        lock (_lock)
        {
            return _taken.ContainsKey(packetId);
        }
    }

    /// <summary>What to do with a PUBLISH.</summary>
    /// <param name="packetId">Its identifier.</param>
    /// <param name="isDuplicate">Its DUP flag.</param>
    /// <param name="answer">What a repeat is answered with.</param>
    public ReceivedStep Next(ushort packetId, bool isDuplicate, out Task<Answer> answer)
    {
        lock (_lock)
        {
            if (_taken.TryGetValue(packetId, out Task<Answer>? known))
            {
                answer = known;
                return ReceivedStep.Repeat;
            }

            answer = Task.FromResult(Answer.Taken);
            bool isNew = isShared && !isDuplicate;
            if (_earlier.Contains(packetId))
            {
                return isNew ? ReceivedStep.TakeAsNew : ReceivedStep.Repeat;
            }

            return _taken.Count + _earlier.Count >= max ? ReceivedStep.Full : isNew ? ReceivedStep.TakeAsNew : ReceivedStep.Take;
        }
    }

    /// <summary>A message is on its way into the log.</summary>
    public void Take(ushort packetId, Task<Answer> work)
    {
        lock (_lock)
        {
            _earlier.Remove(packetId);
            _taken[packetId] = work;
        }
    }

    /// <summary>A message was refused: PUBREC says so, and its identifier is free (MQTT-4.3.3).</summary>
    public void Refuse(ushort packetId, Task<Answer> work)
    {
        lock (_lock)
        {
            if (_taken.TryGetValue(packetId, out Task<Answer>? known) && known == work)
            {
                _taken.Remove(packetId);
            }
        }
    }

    /// <summary>The client lets go of an identifier; whether it was in use.</summary>
    public bool Release(ushort packetId)
    {
        lock (_lock)
        {
            return _taken.Remove(packetId) | _earlier.Remove(packetId);
        }
    }

    /// <summary>Completes when nothing of the connection is on its way into the log any more.</summary>
    public Task SettleAsync(CancellationToken cancellationToken)
    {
        Task[] under;
        lock (_lock)
        {
            under = [.. _taken.Values.Where(static w => !w.IsCompletedSuccessfully)];
        }

        return Task.WhenAll(under).WaitAsync(cancellationToken);
    }
}
