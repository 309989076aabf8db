using Spectre.Console;

namespace FieldTrial;

/// <summary>Every lane at every cluster, as a table.</summary>
internal static class LanePicture
{
    /// <summary>A log gets no colours, and is not cut to the width of a terminal that is not there.</summary>
    private const int LogWidth = 160;
    private const int HashShown = 12;

    public static Table Of(IReadOnlyList<ReportedCluster> clusters)
    {
        Table table = new Table().Border(TableBorder.Rounded).Title("every lane, as each cluster holds it: next offset and SHA-256");
        table.AddColumns("stream", "partition", "origin");
        foreach (ReportedCluster cluster in clusters)
        {
            table.AddColumn(cluster.Name);
        }

        var lanes = clusters.SelectMany(cluster => cluster.Lanes)
            .Select(lane => (lane.Stream, lane.Partition, lane.Origin)).Distinct().Order();
        foreach ((string stream, int partition, string origin) in lanes)
        {
            table.AddRow([stream, $"{partition}", origin, .. clusters.Select(cluster => cluster.Lanes
                .FirstOrDefault(lane => lane.Stream == stream && lane.Partition == partition && lane.Origin == origin) is { } lane
                    ? $"{lane.Next} {lane.Sha256[..HashShown]}"
                    : "missing")]);
        }

        return table;
    }

    /// <summary>The console, or one that writes to a pipe.</summary>
    public static IAnsiConsole OpenConsole()
    {
        if (!Console.IsOutputRedirected)
        {
            return AnsiConsole.Console;
        }

        IAnsiConsole console = AnsiConsole.Create(
            new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors });
        console.Profile.Width = LogWidth;
        return console;
    }
}
