namespace Streams.Simulation;

/// <summary>Which clusters are linked, each pair both ways, and how long a frame is under way between them.</summary>
internal sealed record Graph(string Name, int Clusters, IReadOnlyList<GraphEdge> Edges)
{
    public const int ShortestMilliseconds = 5;
    public const int LongestMilliseconds = 150;

    public static Graph Of(ScaleOptions options, Random chance)
    {
        int n = options.Clusters;
        (string name, HashSet<(int, int)> pairs) = options.Topology switch
        {
            Shape.Rings => Rings(n),
            Shape.Trees => Trees(n, options.Degree),
            Shape.SmallWorld => SmallWorld(n, options.Degree, chance),
            _ => RandomOfDegree(n, options.Degree, chance),
        };
        List<GraphEdge> edges = [];
        foreach ((int a, int b) in pairs.Order())
        {
            edges.Add(new GraphEdge(a, b, chance.Next(ShortestMilliseconds, LongestMilliseconds + 1)));
        }

        return new Graph(name, n, edges);
    }

    /// <summary>The longest of the shortest ways: in hops, and in milliseconds. -1 when some cluster is not reached.</summary>
    public (int Hops, int Milliseconds) Diameter()
    {
        List<(int To, int Milliseconds)>[] next = new List<(int, int)>[Clusters];
        for (int i = 0; i < Clusters; i++)
        {
            next[i] = [];
        }

        foreach (GraphEdge edge in Edges)
        {
            next[edge.A].Add((edge.B, edge.Milliseconds));
            next[edge.B].Add((edge.A, edge.Milliseconds));
        }

        int hops = 0, milliseconds = 0;
        for (int i = 0; i < Clusters; i++)
        {
            int far = Farthest(next, i, static _ => 1);
            if (far < 0)
            {
                return (-1, -1);
            }

            hops = Math.Max(hops, far);
            milliseconds = Math.Max(milliseconds, Farthest(next, i, static m => m));
        }

        return (hops, milliseconds);
    }

    private static int Farthest(List<(int To, int Milliseconds)>[] next, int from, Func<int, int> length)
    {
        int[] best = new int[next.Length];
        Array.Fill(best, int.MaxValue);
        best[from] = 0;
        PriorityQueue<int, int> todo = new([(from, 0)]);
        int reached = 0, far = 0;
        while (todo.TryDequeue(out int at, out int so))
        {
            if (so > best[at])
            {
                continue;
            }

            reached++;
            far = so;
            foreach ((int to, int milliseconds) in next[at])
            {
                int there = so + length(milliseconds);
                if (there < best[to])
                {
                    best[to] = there;
                    todo.Enqueue(to, there);
                }
            }
        }

        return reached == next.Length ? far : -1;
    }

    private static (int, int) Pair(int a, int b) => a < b ? (a, b) : (b, a);

    private static int[] Shuffled(int n, Random chance)
    {
        int[] order = [.. Enumerable.Range(0, n)];
        chance.Shuffle(order);
        return order;
    }

    /// <summary>A ring in an order by chance, so that all reach all, and then pairs by chance of those that have too few.</summary>
    private static (string, HashSet<(int, int)>) RandomOfDegree(int n, int degree, Random chance)
    {
        HashSet<(int, int)> pairs = [];
        int[] missing = new int[n];
        Array.Fill(missing, degree);
        int[] ring = Shuffled(n, chance);
        for (int i = 0; i < n; i++)
        {
            Link(ring[i], ring[(i + 1) % n]);
        }

        // Where the last ones can not be paired any more, a cluster is left with fewer.
        for (int round = 0; round < 50; round++)
        {
            List<int> open = [];
            for (int i = 0; i < n; i++)
            {
                open.AddRange(Enumerable.Repeat(i, Math.Max(0, missing[i])));
            }

            int[] stubs = [.. open];
            chance.Shuffle(stubs);
            for (int i = 0; i + 1 < stubs.Length; i += 2)
            {
                Link(stubs[i], stubs[i + 1]);
            }
        }

        return ($"random graph of degree {degree}", pairs);

        void Link(int a, int b)
        {
            if (a != b && pairs.Add(Pair(a, b)))
            {
                missing[a]--;
                missing[b]--;
            }
        }
    }

    private static (string, HashSet<(int, int)>) Rings(int n)
    {
        int size = Math.Max(3, (int)Math.Round(Math.Sqrt(n)));
        int rings = Math.Max(1, n / size);
        HashSet<(int, int)> pairs = [];
        for (int r = 0; r < rings; r++)
        {
            int first = r * size;
            int count = r == rings - 1 ? n - first : size;
            for (int i = 0; i < count && count > 1; i++)
            {
                pairs.Add(Pair(first + i, first + ((i + 1) % count)));
            }

            if (rings > 1)
            {
                pairs.Add(Pair(first, (r + 1) % rings * size));
            }
        }

        return ($"{rings} rings of {size} in a ring", pairs);
    }

    private static (string, HashSet<(int, int)>) Trees(int n, int degree)
    {
        const int Roots = 4;
        int roots = Math.Min(Roots, n);
        int children = Math.Max(2, degree - 1);
        HashSet<(int, int)> pairs = [];
        for (int a = 0; a < roots; a++)
        {
            for (int b = a + 1; b < roots; b++)
            {
                pairs.Add((a, b));
            }
        }

        for (int i = roots; i < n; i++)
        {
            pairs.Add(Pair(i, (i - roots) / children));
        }

        return ($"{roots} trees with {children} branches", pairs);
    }

    private static (string, HashSet<(int, int)>) SmallWorld(int n, int degree, Random chance)
    {
        int side = Math.Max(1, (degree - 2) / 2);
        HashSet<(int, int)> pairs = [];
        for (int i = 0; i < n; i++)
        {
            for (int d = 1; d <= side; d++)
            {
                pairs.Add(Pair(i, (i + d) % n));
            }
        }

        for (int i = 0; i < n; i++)
        {
            int other = chance.Next(n);
            if (other != i)
            {
                pairs.Add(Pair(i, other));
            }
        }

        return ($"small world: {side} neighbours on each side and {n} shortcuts", pairs);
    }
}

/// <summary>Two clusters that link to each other, and how long a frame is under way.</summary>
internal readonly record struct GraphEdge(int A, int B, int Milliseconds);
