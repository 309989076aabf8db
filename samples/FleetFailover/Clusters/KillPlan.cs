namespace FleetFailover;

/// <summary>A cluster goes down at one part of the load and comes back at another, both from 0 to 1.</summary>
internal readonly record struct KillStep(int Cluster, double Down, double Up);

/// <summary>Who is killed when. Pure: the same chance gives the same plan.</summary>
internal static class KillPlan
{
    public static IReadOnlyList<KillStep> For(KillKind kind, Random chance) => kind switch
    {
        KillKind.Origin => [Step(0, 1 / 3.0, 2 / 3.0, chance)],
        KillKind.Next => [Step(1, 1 / 3.0, 2 / 3.0, chance)],
        KillKind.AllInTurn => [Step(0, 1 / 7.0, 2 / 7.0, chance), Step(1, 3 / 7.0, 4 / 7.0, chance), Step(2, 5 / 7.0, 6 / 7.0, chance)],
        _ => [],
    };

    /// <summary>Up to 3 % of the load earlier or later, so that runs differ in what they hit.</summary>
    private static KillStep Step(int cluster, double down, double up, Random chance) =>
        new(cluster, down + Shift(chance), up + Shift(chance));

    private static double Shift(Random chance) => (chance.NextDouble() - 0.5) * 0.06;
}
