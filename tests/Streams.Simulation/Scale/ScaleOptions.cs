namespace Streams.Simulation;

/// <summary>How the links of a world lie.</summary>
internal enum Shape
{
    /// <summary>Each cluster is linked, both ways, with <see cref="ScaleOptions.Degree"/> others drawn by chance.</summary>
    Random,

    /// <summary>Rings, one cluster of each in a ring of rings.</summary>
    Rings,

    /// <summary>Trees whose roots are all linked with each other.</summary>
    Trees,

    /// <summary>A ring in which neighbours are linked, and as many shortcuts by chance as there are clusters.</summary>
    SmallWorld,
}

/// <summary>A world to be played.</summary>
internal sealed record ScaleOptions
{
    /// <summary>How many clusters, each with a store of its own.</summary>
    public int Clusters { get; init; } = 60;

    /// <summary>How the links lie.</summary>
    public Shape Topology { get; init; } = Shape.Random;

    /// <summary>With how many others a cluster is linked, both ways, 2 to 64.</summary>
    public int Degree { get; init; } = 8;

    /// <summary>How many clusters have a device at home, spread evenly; 0 means all. Each writes a lane that every cluster keeps, so memory
    /// goes with clusters times writers.</summary>
    public int Writers { get; init; }

    /// <summary>Events that the device at home in each cluster writes.</summary>
    public int EventsPerCluster { get; init; } = 5;

    /// <summary>Over how many seconds of virtual time the events are spread.</summary>
    public int WriteSeconds { get; init; } = 20;

    /// <summary>Everything that chance decides follows from it.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>The share of links, 0 to 1, that are going down and up at any time.</summary>
    public double Flapping { get; init; }

    /// <summary>Devices that go from cluster to cluster while they write as much as the others.</summary>
    public int Movers { get; init; }

    /// <summary>How long, in milliseconds of virtual time, a cluster gathers what came before it takes it in, as the flush of a disk
    /// does.</summary>
    public int TurnMilliseconds { get; init; } = 20;

    /// <summary>Seconds of virtual time behind the last write within which the world must have come to rest.</summary>
    public int PatienceSeconds { get; init; } = 120;
}
