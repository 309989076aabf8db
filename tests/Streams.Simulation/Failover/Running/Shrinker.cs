namespace Streams.Simulation;

/// <summary>Makes a failing run short: leaves out steps as long as it still fails in the same way (delta debugging, after Zeller and
/// Hildebrandt 2002). Possible because each step draws from its own stretch of chance.</summary>
internal static class Shrinker
{
    /// <summary>A plan that fails in the same way with as few steps as were found within so many runs.</summary>
    public static WorldPlan Shrink(WorldPlan failing, int mostRuns = 2000)
    {
        Violation kind = Play(failing)!.Value;
        HashSet<int> leftOut = [.. failing.LeftOut];
        List<int> kept = [.. Enumerable.Range(0, failing.Steps).Where(s => !leftOut.Contains(s))];
        int runs = 0;
        for (int piece = Math.Max(1, kept.Count / 2); runs < mostRuns; piece = Math.Max(1, piece / 2))
        {
            bool any = false;
            for (int at = 0; at < kept.Count && runs < mostRuns;)
            {
                int[] tried = [.. kept.Skip(at).Take(piece)];
                HashSet<int> without = [.. leftOut, .. tried];
                runs++;
                if (Play(failing with { LeftOut = without }) == kind)
                {
                    leftOut = without;
                    kept.RemoveRange(at, tried.Length);
                    any = true;
                }
                else
                {
                    at += piece;
                }
            }

            if (piece == 1 && !any)
            {
                break;
            }
        }

        return failing with { LeftOut = leftOut };
    }

    private static Violation? Play(WorldPlan plan)
    {
        World world = WorldRun.Play(plan);
        return world.Truth.Violations.Count > 0 ? world.Truth.Violations[0].Kind : null;
    }
}
