namespace Streams.Testing;

/// <summary>One direction of a connection: what is sent arrives in order, unless it is held up or the connection is gone. Bounded: who
/// sends asks first.</summary>
/// <remarks>A one-way cut is a way that is held up while the other is not: both ends think well of the connection until somebody gives
/// up.</remarks>
public sealed class SimulatedWay<T>(int room)
{
    private readonly Queue<T> _sent = new();

    /// <summary>Whether nothing arrives for now, though everything that is sent is kept.</summary>
    public bool IsHeldUp { get; set; }

    /// <summary>What is under way.</summary>
    public int Count => _sent.Count;

    /// <summary>Whether more may be sent now.</summary>
    public bool HasRoom => _sent.Count < room;

    public void Send(T message) => _sent.Enqueue(message);

    /// <summary>Takes what arrives next.</summary>
    public bool TryArrive(out T message)
    {
        if (IsHeldUp || !_sent.TryDequeue(out message!))
        {
            message = default!;
            return false;
        }

        return true;
    }

    /// <summary>The connection is gone: what was under way is lost.</summary>
    public int Cut()
    {
        int lost = _sent.Count;
        _sent.Clear();
        IsHeldUp = false;
        return lost;
    }
}
