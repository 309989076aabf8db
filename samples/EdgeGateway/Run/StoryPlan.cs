namespace EdgeGateway;

/// <summary>What can happen.</summary>
internal enum Happening
{
    UplinkCut,
    UplinkMended,
    UplinkHeldUp,
    AgentKilled,
    ClusterKilled,
    ClusterBack,
    ClockAhead,
    ClockBack,
}

/// <summary>Something happens when a part of the load is done, from 0 to 1.</summary>
internal readonly record struct StoryStep(double At, Happening What);

/// <summary>What happens when. Pure: the same chance gives the same plan.</summary>
internal static class StoryPlan
{
    /// <summary>How far the clock jumps ahead: beyond what the agent remembers of silent devices.</summary>
    public static readonly TimeSpan Ahead = TimeSpan.FromDays(8);

    /// <summary>How far it jumps back then: it stands a day behind the truth.</summary>
    public static readonly TimeSpan Back = TimeSpan.FromDays(9);

    public static IReadOnlyList<StoryStep> For(StoryParts skipped, Random chance)
    {
        List<StoryStep> steps = [];
        Add(StoryParts.Cut, 0.08, Happening.UplinkCut);
        Add(StoryParts.Agent, 0.16, Happening.AgentKilled);
        Add(StoryParts.Cut, 0.25, Happening.UplinkMended);
        Add(StoryParts.Clock, 0.33, Happening.ClockAhead);
        Add(StoryParts.Cluster, 0.40, Happening.ClusterKilled);
        Add(StoryParts.Agent, 0.50, Happening.AgentKilled);
        Add(StoryParts.Cluster, 0.64, Happening.ClusterBack);
        Add(StoryParts.Clock, 0.72, Happening.ClockBack);
        Add(StoryParts.Cut, 0.79, Happening.UplinkHeldUp);
        Add(StoryParts.Agent, 0.83, Happening.AgentKilled);
        Add(StoryParts.Cut, 0.86, Happening.UplinkMended);
        return steps;

        // Up to 2 % of the load earlier or later, so that runs differ in what they hit.
        void Add(StoryParts part, double at, Happening what)
        {
            double shifted = at + ((chance.NextDouble() - 0.5) * 0.04);
            if (!skipped.HasFlag(part))
            {
                steps.Add(new StoryStep(shifted, what));
            }
        }
    }
}
