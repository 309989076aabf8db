using Streams.Core;

namespace Streams.Simulation;

/// <summary>Which clusters link to which, one way each.</summary>
internal sealed record Topology(string Name, int Clusters, IReadOnlyList<(int From, int To)> Links)
{
    public static Topology Ring(int n) => new($"ring of {n}", n, [.. Enumerable.Range(0, n).Select(i => (i, (i + 1) % n))]);

    public static Topology Chain(int n) => new($"chain of {n}", n, [.. Enumerable.Range(0, n - 1).Select(i => (i, i + 1))]);

    public static Topology Star(int n) => new($"star of {n}", n, [.. Enumerable.Range(1, n - 1).SelectMany(i => new[] { (0, i), (i, 0) })]);

    public static Topology Diamond() => new("diamond", 4, [(0, 1), (0, 2), (1, 3), (2, 3), (3, 0)]);

    /// <summary>A ring, so that all reach all, with as many links again at random.</summary>
    public static Topology Random(int n, Random chance)
    {
        HashSet<(int, int)> links = [.. Ring(n).Links];
        while (links.Count < 2 * n)
        {
            (int from, int to) link = (chance.Next(n), chance.Next(n));
            if (link.from != link.to)
            {
                links.Add(link);
            }
        }

        return new Topology($"random graph of {n}", n, [.. links.Order()]);
    }

    /// <summary>Cluster names a, b, c, …</summary>
    public static ClusterName NameOf(int cluster) => ClusterName.Parse(((char)('a' + cluster)).ToString());

    /// <summary>The clusters whose lanes reach <paramref name="cluster"/>, itself among them.</summary>
    public HashSet<int> Into(int cluster)
    {
        HashSet<int> seen = [cluster];
        Queue<int> todo = new([cluster]);
        while (todo.TryDequeue(out int at))
        {
            foreach ((int from, int to) in Links)
            {
                if (to == at && seen.Add(from))
                {
                    todo.Enqueue(from);
                }
            }
        }

        return seen;
    }
}
