using Spectre.Console;
using Spectre.Console.Rendering;

namespace FleetFailover;

/// <summary>A moment of a run, for the picture. Cars are counted where they are connected; in outboxes is what no cluster has confirmed
/// yet.</summary>
internal sealed record FleetFigures(TimeSpan Elapsed, string Phase, IReadOnlyList<(string Name, bool IsUp, int Cars)> Clusters,
    string BackEndAt,
    long Published, long Acknowledged, long Delivered, long CommandsSent, long CommandsDelivered, long InOutboxes,
    string LastEvent) : IRunMoment
{
    public string Line()
    {
        string clusters = string.Join("  ",
            Clusters.Select(cluster => $"{cluster.Name} {(cluster.IsUp ? "up" : "DOWN")} {cluster.Cars}"));
        string lastEvent = LastEvent.Length == 0 ? string.Empty : $"  [{LastEvent}]";
        return $"{Elapsed.TotalSeconds,6:0.0}s  {clusters}  back end {BackEndAt}  published {Published}  "
            + $"acknowledged {Acknowledged}  delivered {Delivered}  commands {CommandsDelivered}/{CommandsSent}  "
            + $"outboxes {InOutboxes}  {Phase}{lastEvent}";
    }

    public IRenderable Draw()
    {
        Table clusters = new Table().Border(TableBorder.Rounded).AddColumns("cluster", "state")
            .AddColumn("cars", column => column.RightAligned());
        foreach ((string name, bool isUp, int cars) in Clusters)
        {
            string label = BackEndAt == name ? $"{name} [grey](back end)[/]" : name;
            clusters.AddRow(label, isUp ? "[green]up[/]" : "[red]DOWN[/]", $"{cars}");
        }

        Table events = new Table().Border(TableBorder.Rounded).AddColumn("").AddColumn("events", column => column.RightAligned());
        events.AddRow("published", $"{Published}");
        events.AddRow("acknowledged by a cluster", $"{Acknowledged}");
        events.AddRow("delivered to the back end", $"{Delivered}");
        events.AddRow("commands sent", $"{CommandsSent}");
        events.AddRow("commands delivered", $"{CommandsDelivered}");
        events.AddRow("waiting in outboxes", $"{InOutboxes}");
        string lastEvent = LastEvent.Length == 0 ? string.Empty : $"  [yellow]{Markup.Escape(LastEvent)}[/]";
        return new Rows(
            new Markup($"[bold]{Elapsed.TotalSeconds:0.0} s[/]  {Markup.Escape(Phase)}{lastEvent}"),
            new Columns(clusters, events) { Expand = false });
    }
}
