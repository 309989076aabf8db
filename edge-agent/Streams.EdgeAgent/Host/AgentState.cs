namespace Streams.EdgeAgent;

/// <summary>How far an agent is.</summary>
internal enum AgentPhase
{
    /// <summary>It opens its store.</summary>
    Starting,

    /// <summary>It takes devices.</summary>
    Ready,

    /// <summary>It finishes what was begun and takes nothing new.</summary>
    Draining,

    /// <summary>The store failed for good: the process is about to end.</summary>
    Failed,
}

/// <summary>How far an agent is and why. Safe for use by many threads.</summary>
internal sealed class AgentState
{
    private volatile Step _step = new(AgentPhase.Starting, "starting");

    /// <summary>How far it is.</summary>
    public AgentPhase Phase => _step.Phase;

    /// <summary>Whether devices should come, in one word, and why not: <see langword="null"/> when they should.</summary>
    /// <param name="storeFault">Why the store does not write; <see langword="null"/> when it does.</param>
    public (string Status, string? Reason) Health(string? storeFault)
    {
        Step step = _step;
        return step.Phase != AgentPhase.Ready ? (step.Phase.ToString().ToLowerInvariant(), step.Reason)
            : storeFault is not null ? ("refusing", storeFault)
            : ("ready", null);
    }

    /// <summary>Goes on to a phase.</summary>
    public void Enter(AgentPhase phase, string reason) => _step = new Step(phase, reason);

    private sealed record Step(AgentPhase Phase, string Reason);
}
