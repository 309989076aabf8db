namespace Streams.Cluster;

/// <summary>What the planner keeps to. Nothing overrides these but the caller.</summary>
public sealed record PlacementLimits
{
    /// <summary>A node that is away for longer is gone: its replicas are made anew elsewhere. Default 10 minutes, 0 to 7 days: a restart,
    /// an upgrade or a short cut must not copy a node's whole disk.</summary>
    public TimeSpan GoneAfter { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Part of a node's capacity up to which it is planned, and above which it is relieved. Default 0.85, 0.1 to 0.98: what
    /// is open goes on growing while copies leave.</summary>
    public double FillLimit { get; init; } = 0.85;

    /// <summary>How much fuller, as part of the capacity, one node must be than another for a replica to be moved for balance. Default
    /// 0.05, 0.01 to 0.5. Less moves more for little.</summary>
    public double BalanceSlack { get; init; } = 0.05;

    /// <summary>By how many primaries, as part of the mean per node, one node must have more than another for one to be handed over.
    /// Default 0.1, 0 to 1. It is never less than two primaries: with one nothing would be gained.</summary>
    public double PrimarySlack { get; init; } = 0.1;

    /// <summary>Most copies at once to a node, and most from a node. Default 2, 1 to 64: a copy takes disk and line from what
    /// devices send.
    /// </summary>
    public int CopiesPerNode { get; init; } = 2;

    /// <summary>Most copies at once in the cluster. Default 32, 1 to 4096.</summary>
    public int Copies { get; init; } = 32;

    /// <summary>Most primaries that one plan hands over for balance and for drains. Default 8, 1 to 4096: each is a short pause
    /// of the container's writers. </summary>
    public int PrimaryMoves { get; init; } = 8;

    /// <summary>A container takes no further partitionlet when it would be larger than this: bytes, default 32 GiB, at least 1 MiB.
    /// Smaller ones are balanced more finely, larger ones are fewer.</summary>
    public long ContainerBytes { get; init; } = 32L << 30;

    /// <summary>As long as fewer containers than this for each node have room, the next partitionlet is given a new container.
    /// Default 2, 1 to 64: with one the work of a node would stand on one log.</summary>
    public int OpenContainersPerNode { get; init; } = 2;

    /// <summary>What is wrong, one fault a line; empty when nothing is.</summary>
    public IReadOnlyList<string> FindFaults()
    {
        List<string> faults = [];
        Require(GoneAfter >= TimeSpan.Zero && GoneAfter <= TimeSpan.FromDays(7), $"gone after {GoneAfter}: 0 to 7 days");
        Require(FillLimit is >= 0.1 and <= 0.98, $"fill limit {FillLimit}: 0.1 to 0.98");
        Require(BalanceSlack is >= 0.01 and <= 0.5, $"balance slack {BalanceSlack}: 0.01 to 0.5");
        Require(PrimarySlack is >= 0 and <= 1, $"primary slack {PrimarySlack}: 0 to 1");
        Require(CopiesPerNode is >= 1 and <= 64, $"copies per node {CopiesPerNode}: 1 to 64");
        Require(Copies is >= 1 and <= 4096, $"copies {Copies}: 1 to 4096");
        Require(PrimaryMoves is >= 1 and <= 4096, $"primary moves {PrimaryMoves}: 1 to 4096");
        Require(ContainerBytes >= 1 << 20, $"container bytes {ContainerBytes}: at least 1 MiB");
        Require(OpenContainersPerNode is >= 1 and <= 64, $"open containers per node {OpenContainersPerNode}: 1 to 64");
        return faults;

        void Require(bool holds, string fault)
        {
            if (!holds)
            {
                faults.Add("placement: " + fault);
            }
        }
    }
}
