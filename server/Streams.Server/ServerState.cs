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

    public void Enter(ServerPhase phase, string reason) => _step = new Step(phase, reason);

    private sealed record Step(ServerPhase Phase, string Reason);
}
