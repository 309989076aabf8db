namespace FleetFailover;

/// <summary>Which cluster is killed under load.</summary>
internal enum KillKind
{
    None,

    /// <summary>The cars' own cluster, sj, from the first third of the load to the second.</summary>
    Origin,

    /// <summary>ny, the next on the ring, while the cars are on sj.</summary>
    Next,

    /// <summary>Each cluster, one after the other.</summary>
    AllInTurn,
}

/// <summary>What a run does. Made by <see cref="FleetOptionsParser"/>, which reports all faults together.</summary>
internal sealed record FleetOptions
{
    /// <summary>Most cars: each is a client with a database file and connections of its own.</summary>
    public const int MaxCars = 2_000;

    /// <summary>Cars of the simulated fleet. Default 50, 1 to <see cref="MaxCars"/>. With a replay: the first so many vehicles; all when
    /// absent.</summary>
    public int Cars { get; init; } = 50;

    /// <summary>Seconds of load. Default 20, 1 to 86,400. With a replay: its end at the latest; when absent it ends with its
    /// file.</summary>
    public int Seconds { get; init; } = 20;

    /// <summary>Events per second and car of the simulated fleet. Default 5, 0.01 to 1000.</summary>
    public double Rate { get; init; } = 5;

    public string? Replay { get; init; }

    /// <summary>The column that names the vehicle; guessed from the header when absent.</summary>
    public string? ReplayId { get; init; }

    /// <summary>The column that holds the time; guessed from the header when absent.</summary>
    public string? ReplayTime { get; init; }

    /// <summary>How much faster than it was recorded. Default 0: as fast as it goes.</summary>
    public double ReplaySpeed { get; init; }

    public KillKind Kill { get; init; } = KillKind.Origin;

    public SabotageKind Sabotage { get; init; }

    public string? Report { get; init; }

    /// <summary>Whether the clusters run on after the verdict, until interrupted, and their data stay.</summary>
    public bool Keep { get; init; }

    /// <summary>Drives the simulated fleet, the moments of the kills and the saboteur's victim.</summary>
    public int Seed { get; init; }

    /// <summary>The server to run: a .dll or a program. Found by itself when absent.</summary>
    public string? Server { get; init; }

    /// <summary>Seconds that everything may take to drain when the load has ended. Default 180, 1 to 86,400.</summary>
    public int Drain { get; init; } = 180;

    public bool CarsGiven { get; init; }

    public bool SecondsGiven { get; init; }
}
