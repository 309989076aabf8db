using Streams.Core;

namespace Streams.Simulation;

/// <summary>What can happen in a world, beside what always can: losses, delays, cuts, crashes, moves.</summary>
[Flags]
internal enum Faults
{
    None = 0,

    /// <summary>A cluster's data is gone.</summary>
    Wipe = 1,

    /// <summary>A cluster's data directory is set back to a copy.</summary>
    RollBack = 2,

    /// <summary>A device's outbox is set back to a copy.</summary>
    OutboxRollBack = 4,

    /// <summary>Retention removes the beginning of lanes.</summary>
    Retention = 8,

    /// <summary>A cluster joins late.</summary>
    Late = 16,

    /// <summary>Consumers are rewound.</summary>
    Rewind = 32,

    /// <summary>Two readers share a name.</summary>
    Dual = 64,

    /// <summary>Patience runs out.</summary>
    Patience = 128,

    /// <summary>The number of partitions is raised.</summary>
    MorePartitions = 256,

    /// <summary>The SDK forgets producers that were idle for long (rule R17).</summary>
    Eviction = 512,

    /// <summary>Clocks jump.</summary>
    ClockJumps = 1024,
}

/// <summary>A world to play: who links to whom, how many devices and partitions, and which faults.</summary>
/// <param name="Name">By which it is called on the command line.</param>
/// <param name="Links">Pairs of letters, one way each: <c>AB BC</c>.</param>
/// <param name="Devices">Producers.</param>
/// <param name="Partitions">Of the one stream.</param>
/// <param name="Faults">What can happen.</param>
/// <param name="Readers">The clusters at which consumers read; all when empty.</param>
internal sealed record Configuration(string Name, string Links, int Devices, int Partitions, Faults Faults, string Readers = "")
{
    /// <summary>Those of the model, by the same names, and behind them those for what the model could not say.</summary>
    public static readonly IReadOnlyList<Configuration> All =
    [
        new("pair", "AB BA", 2, 1, Faults.None),
        new("pairpart", "AB BA", 2, 3, Faults.None),
        new("chain", "AB BC CD", 2, 1, Faults.None, "D"),
        new("ring", "AB BC CA", 2, 1, Faults.None),
        new("mesh", "AB BA BC CB AC CA", 3, 1, Faults.None),
        new("diamond", "AB AC BD CD DA", 2, 1, Faults.None),
        new("oneway", "AC BC AD BD", 2, 1, Faults.None, "CD"),
        new("skip", "AB AC DC", 1, 1, Faults.None, "C"),
        new("wipe", "AB BA BC CB", 2, 1, Faults.Wipe),
        new("rollback", "AB BA BC CA", 2, 1, Faults.RollBack),
        new("rollone", "AB CB", 2, 1, Faults.RollBack, "B"),
        new("outbox", "AB BA BC CB AC CA", 2, 1, Faults.OutboxRollBack),
        new("retain", "AB BC CA", 2, 1, Faults.Retention),
        new("late", "AB BA BC CB", 2, 1, Faults.Late | Faults.Retention),
        new("rewind", "AB BA", 2, 1, Faults.Rewind),
        new("dual", "AB BA BC CB", 2, 1, Faults.Dual),
        new("crowd", "AB BA BC CB", 5, 1, Faults.None),
        new("crowdall", "AB BA BC CA", 4, 1, Faults.Wipe | Faults.Retention | Faults.Rewind | Faults.Patience | Faults.Dual
            | Faults.OutboxRollBack),
        new("patience", "AB BA BC CB", 2, 1, Faults.Patience),
        new("all", "AB BA BC CD DB", 2, 2, Faults.Wipe | Faults.RollBack | Faults.OutboxRollBack | Faults.Rewind),
        new("allretain", "AB BA BC CD DB", 2, 2, Faults.Wipe | Faults.RollBack | Faults.OutboxRollBack | Faults.Rewind | Faults.Retention
            | Faults.Late | Faults.Patience),
        new("grow", "AB BA BC CB", 2, StreamSettings.DefaultPartitions, Faults.MorePartitions),
        new("evict", "AB BA BC CB", 3, 1, Faults.Eviction),
        new("clocks", "AB BA BC CA", 2, 1, Faults.Patience | Faults.ClockJumps),
    ];

    /// <summary>The letters of all clusters, in order.</summary>
    public string Clusters => new([.. Links.Where(char.IsLetter).Distinct().Order()]);

    /// <summary>Where consumers read.</summary>
    public string ReadAt => Readers.Length > 0 ? Readers : Clusters;

    public bool Has(Faults fault) => (Faults & fault) != 0;

    /// <summary>One of them, or <see langword="null"/>.</summary>
    public static Configuration? Find(string name) => All.FirstOrDefault(c => c.Name == name);

    /// <summary>The clusters whose lanes some route of links brings to <paramref name="cluster"/>, itself among them.</summary>
    public HashSet<char> Into(char cluster)
    {
        HashSet<char> seen = [cluster];
        Queue<char> todo = new([cluster]);
        while (todo.TryDequeue(out char at))
        {
            foreach (string link in Links.Split(' '))
            {
                if (link[1] == at && seen.Add(link[0]))
                {
                    todo.Enqueue(link[0]);
                }
            }
        }

        return seen;
    }
}
