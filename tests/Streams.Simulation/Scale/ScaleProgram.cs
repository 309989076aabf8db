namespace Streams.Simulation;

/// <summary>Plays one world and tells what came of it.</summary>
internal static class ScaleProgram
{
    /// <summary>Writes progress and a table; 0 when everything holds that must.</summary>
    public static int Run(ScaleOptions options, TextWriter output)
    {
        string writers = options.Writers > 0 ? $"{options.Writers} of them writing" : "all writing";
        output.WriteLine($"{options.Clusters} clusters, {writers}, {options.Topology}, degree {options.Degree}, "
            + $"{options.EventsPerCluster} events each, {options.Flapping:P0} of links flapping, {options.Movers} moving devices, "
            + $"seed {options.Seed}");
        ScaleWorld world = new(options, line =>
        {
            output.WriteLine(line);
            output.Flush();
        });
        ScaleFigures figures = world.Play();
        output.WriteLine(figures.Table);
        output.WriteLine(figures.Costs);
        foreach (string violation in world.Violations)
        {
            output.WriteLine("VIOLATION " + violation);
        }

        return world.Violations.Count == 0 ? 0 : 1;
    }
}
