namespace Streams.Tidy.Tests;

/// <summary>Which project may know which: directly, and through others.</summary>
public static class ProjectArrows
{
    private static readonly string[] ProductAreas = ["sdk", "server", "edge-agent"];
    private static readonly string[] Floors = ["Streams.Storage", "Streams.Cluster", "Streams.Geo", "Streams.Gateways"];

    private static readonly (string From, string[] MayNotReach)[] Forbidden =
    [
        ("Streams.Gateways", ["Streams.Storage", "Streams.Cluster"]),
        ("Streams.Geo", ["Streams.Storage", "Streams.Cluster"]),
        ("Streams.Storage", ["Streams.Cluster"]),
    ];

    public static IReadOnlyList<Fault> Check(IEnumerable<RepositoryFile> projectFiles)
    {
        var projects = projectFiles.Select(ProjectFile.Parse).ToDictionary(project => project.Name);
        List<Fault> faults = [];
        foreach (var project in projects.Values.Where(project => project.IsProduct))
        {
            var ways = Reach(project, projects);
            faults.AddRange(ways.SelectMany(way => CheckWay(project, way, projects)));
            CheckFewReferences(project, faults);
            if (project.Name != "Streams.Server" && Floors.All(floor => floor == project.Name || ways.Exists(way => way[^1] == floor)))
            {
                faults.Add(new Fault(project.Path, 0, "knows all floors of the server; only Streams.Server may"));
            }
        }

        return faults;
    }

    /// <summary>Nothing may add a reference from outside the project files, where <see cref="Check"/> would not see it.</summary>
    public static IReadOnlyList<Fault> CheckSharedBuildFile(RepositoryFile file)
        => file.Text.Contains("<ProjectReference", StringComparison.Ordinal)
            ? [new Fault(file.Path, 0, "a ProjectReference belongs into a project file")]
            : [];

    private static IEnumerable<Fault> CheckWay(ProjectFile project, string[] way, Dictionary<string, ProjectFile> projects)
    {
        var target = way[^1];
        var by = $"by way of {string.Join(" -> ", way)}";
        if (!projects.TryGetValue(target, out var reached))
        {
            yield return new Fault(project.Path, 0, $"references {target}, which is no project here, {by}");
            yield break;
        }

        if (!ProductAreas.Contains(reached.Area))
        {
            yield return new Fault(project.Path, 0, $"product code may not know {target} in {reached.Area}/, {by}");
        }

        // The agent's devices speak to the same gateways as a cluster's.
        if ((project.Area, reached.Area) is ("sdk", "server" or "edge-agent") || (project.Area == "edge-agent" && reached.Area == "server"
            && target != "Streams.Gateways"))
        {
            yield return new Fault(project.Path, 0, $"{project.Area} may not know {target} in {reached.Area}/, {by}");
        }

        if (Forbidden.Any(rule => rule.From == project.Name && rule.MayNotReach.Contains(target)))
        {
            yield return new Fault(project.Path, 0, $"may not know {target}, {by}");
        }
    }

    private static void CheckFewReferences(ProjectFile project, List<Fault> faults)
    {
        if (project.Name == "Streams.Core" && project.Projects.Concat(project.Packages).ToArray() is { Length: > 0 } core)
        {
            faults.Add(new Fault(project.Path, 0, $"Streams.Core depends on nothing, not on {string.Join(", ", core)}"));
        }

        if (project.Name == "Streams.Mqtt" && project.Projects.Where(name => name != "Streams.Core").ToArray() is { Length: > 0 } mqtt)
        {
            faults.Add(new Fault(project.Path, 0, $"Streams.Mqtt knows only Streams.Core, not {string.Join(", ", mqtt)}"));
        }
    }

    /// <summary>The shortest way to each project that can be reached, without the start.</summary>
    private static List<string[]> Reach(ProjectFile start, Dictionary<string, ProjectFile> projects)
    {
        List<string[]> ways = [];
        HashSet<string> seen = [start.Name];
        Queue<string[]> pending = new(start.Projects.Select(name => new[] { name }));
        while (pending.TryDequeue(out var way))
        {
            if (!seen.Add(way[^1]))
            {
                continue;
            }

            ways.Add(way);
            foreach (var next in projects.TryGetValue(way[^1], out var project) ? project.Projects : [])
            {
                pending.Enqueue([.. way, next]);
            }
        }

        return ways;
    }
}
