namespace Streams.Simulation;

/// <summary>What is played: the same plan plays the same way, always.</summary>
/// <param name="Configuration">The world.</param>
/// <param name="Seed">What chance does.</param>
internal sealed record WorldPlan(Configuration Configuration, long Seed)
{
    /// <summary>Steps of chaos before all is mended.</summary>
    public int Steps { get; init; } = 1500;

    /// <summary>Most events that devices make.</summary>
    public int Events { get; init; } = 120;

    /// <summary>The rules that are taken away.</summary>
    public IReadOnlyList<Rule> Without { get; init; } = [];

    /// <summary>Steps that are left out: the others do what they did.</summary>
    public IReadOnlySet<int> LeftOut { get; init; } = new HashSet<int>();

    /// <summary>Whether what happens is written down.</summary>
    public bool Traces { get; init; }
}
