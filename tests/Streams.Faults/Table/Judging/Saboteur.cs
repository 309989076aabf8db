namespace Streams.Faults;

/// <summary>What is done to one event between the reader and the judge, so that it must be noticed.</summary>
internal enum Sabotage
{
    None,
    Drop,
    Repeat,
    Swap,
}

/// <summary>Shows that the judge sees: changes what a reader was given, in one place.</summary>
internal static class Saboteur
{
    /// <summary>Changes the list at a random place; fails where there are too few events to do it.</summary>
    public static void Strike(Sabotage sabotage, List<SeenEvent> seen, Random chance)
    {
        if (sabotage == Sabotage.None)
        {
            return;
        }

        // Any event that has a later one of its own topic: so a swap is a swap of an order that was promised.
        var candidates = Enumerable.Range(0, seen.Count).Where(i => !seen[i].IsGap && Later(seen, i) > 0).ToList();
        if (candidates.Count == 0)
        {
            throw new InvalidOperationException("too few events were given to sabotage one of them");
        }

        var at = candidates[chance.Next(candidates.Count)];
        var later = Later(seen, at);
        switch (sabotage)
        {
            case Sabotage.Drop:
                seen.RemoveAt(at);
                break;
            case Sabotage.Repeat:
                seen.Insert(later, seen[at]);
                break;
            default:
                (seen[at], seen[later]) = (seen[later], seen[at]);
                break;
        }
    }

    private static int Later(List<SeenEvent> seen, int at)
        => seen.FindIndex(at + 1, other => !other.IsGap && other.Topic == seen[at].Topic);
}
