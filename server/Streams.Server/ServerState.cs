using Streams.Storage;

namespace Streams.Server;

/// <summary>How far a server is.</summary>
public enum ServerPhase
{
    /// <summary>It recovers its data, or asks its neighbours.</summary>
    Starting,

    /// <summary>It takes clients.</summary>
    Ready,

    /// <summary>It finishes what was begun and takes nothing new.</summary>
    Draining,

    /// <summary>The store failed: nothing is written any more, the process is about to end.</summary>
    Failed,
}

/// <summary>How far a server is and why, and its engine once that is open. Safe for use by many threads.</summary>
internal sealed class ServerState
{
    private volatile Step _step = new(ServerPhase.Starting, "starting");
    private volatile Engine? _engine;

    public ServerPhase Phase => _step.Phase;

    /// <summary>For people.</summary>
    public string Reason => _step.Reason;

    /// <summary>The engine, or <see langword="null"/> while the data is recovered.</summary>
    public Engine? Engine
    {
        get => _engine;
        set => _engine = value;
    }

    /// <summary>Whether clients should come, in one word, and why not: <see langword="null"/> when they should. A store that cannot write
    /// still serves readers, but who produces is better off elsewhere.</summary>
    public (string Status, string? Reason) Health()
    {
        Step step = _step;
        if (step.Phase != ServerPhase.Ready)
        {
            return (Word(step.Phase), step.Reason);
        }

        return _engine?.Container.Status() is { Phase: not WritePhase.Writing } status ? (Word(status.Phase), status.Reason)
            : (Word(step.Phase), null);
    }

    private static string Word<T>(T phase)
        where T : struct, Enum => phase.ToString().ToLowerInvariant();

    public void Enter(ServerPhase phase, string reason) => _step = new Step(phase, reason);

    private sealed record Step(ServerPhase Phase, string Reason);
}
