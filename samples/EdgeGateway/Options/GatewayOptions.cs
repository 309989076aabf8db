namespace EdgeGateway;

/// <summary>What a run does. Made by <see cref="GatewayOptionsParser"/>, which reports all faults together.</summary>
internal sealed record GatewayOptions
{
    /// <summary>Most machines: each has a connection here and one at the agent.</summary>
    public const int MaxMachines = 5_000;

    /// <summary>Machines. Default 500, 1 to <see cref="MaxMachines"/>.</summary>
    public int Machines { get; init; } = 500;

    /// <summary>Seconds of load. Default 45, 1 to 86,400.</summary>
    public int Seconds { get; init; } = 45;

    /// <summary>Events per second and machine. Default 1, 0.01 to 100.</summary>
    public double Rate { get; init; } = 1;

    /// <summary>The folder with recordings; found by itself when absent.</summary>
    public string? Data { get; init; }

    /// <summary>What is left out of the story.</summary>
    public StoryParts Skip { get; init; }

    /// <summary>How many machines are mosquitto's own programs, where they are installed. Default 4.</summary>
    public int Mosquitto { get; init; } = 4;

    /// <summary>Whether the run is a day offline in place of the story.</summary>
    public bool OfflineDay { get; init; }

    /// <summary>The part of a day offline that is published, and of a gibibyte that the agent may keep. Default 1/60, 0.001 to 1.</summary>
    public double Scale { get; init; } = 1 / 60.0;

    public SabotageKind Sabotage { get; init; }

    public string? Report { get; init; }

    /// <summary>Whether all stays as it is after the verdict, until interrupted.</summary>
    public bool Keep { get; init; }

    /// <summary>Drives machines, readings, the moments of the story and the saboteur's victim.</summary>
    public int Seed { get; init; }

    /// <summary>The server to run: a .dll or a program. Found by itself when absent.</summary>
    public string? Server { get; init; }

    /// <summary>The agent to run: a .dll or a program. Found by itself when absent.</summary>
    public string? Agent { get; init; }

    /// <summary>Seconds that everything may take to drain when the load has ended. Default 120, 1 to 86,400.</summary>
    public int Drain { get; init; } = 120;
}

/// <summary>What happens in a run.</summary>
[Flags]
internal enum StoryParts
{
    None = 0,

    /// <summary>The uplink is cut, and later held up.</summary>
    Cut = 1,

    /// <summary>The agent is killed.</summary>
    Agent = 2,

    /// <summary>The first cluster is killed.</summary>
    Cluster = 4,

    /// <summary>The agent's clock jumps.</summary>
    Clock = 8,

    /// <summary>Machines sleep.</summary>
    Sleep = 16,
}
