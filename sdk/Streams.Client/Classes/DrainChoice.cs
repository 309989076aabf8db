namespace Streams.Client;

/// <summary>Decides whether an event goes into the main outbox of its class or into the one that passes a backlog
/// (<see cref="DrainOrder.LiveFirst"/>).</summary>
/// <remarks>Pure but for what it remembers. Safe for use by many threads: two that ask at the same moment may be answered by the old and
/// the new. Events begin to pass only when a cluster is connected and finds a backlog; what is published while none is joins the backlog.
/// The main outbox is taken up again when nothing waits in either, so that nothing is passed without need.</remarks>
/// <param name="behind">Bytes in the main outbox from which on they are a backlog.</param>
/// <param name="room">Most bytes that wait in the other; what comes beyond joins the backlog.</param>
internal sealed class DrainChoice(long behind, long room)
{
    private const int InOrder = 0;
    private const int Connected = 1;                     // just now: the next event decides
    private const int Passing = 2;

    private int _state;

    /// <summary>A cluster is connected, or none is any more.</summary>
    public void Connection(bool isUp) => Volatile.Write(ref _state, isUp ? Connected : InOrder);

    /// <summary>Whether the next event passes.</summary>
    /// <param name="main">Bytes waiting in the main outbox.</param>
    /// <param name="passing">Bytes waiting in the other.</param>
    public bool Passes(long main, long passing)
    {
        int state = Volatile.Read(ref _state);
        int next = state switch
        {
            Connected => main >= behind ? Passing : InOrder,
            Passing when main == 0 && passing == 0 => InOrder,
            _ => state,
        };
        if (next != state && Interlocked.CompareExchange(ref _state, next, state) != state)
        {
            return false;                                // the connection has changed just now
        }

        return next == Passing && passing < room;
    }
}
