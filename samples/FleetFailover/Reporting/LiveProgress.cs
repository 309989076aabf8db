using Spectre.Console;
using Spectre.Console.Rendering;

namespace FleetFailover;

/// <summary>A table that redraws itself, for terminals.</summary>
internal sealed class LiveProgress(IAnsiConsole console, TimeProvider time) : IProgressView
{
    public Task ShowAsync(Func<FleetFigures> figures, CancellationToken cancellationToken) =>
        console.Live(Draw(figures())).AutoClear(false).StartAsync(async live =>
        {
            try
            {
                while (true)
                {
                    live.UpdateTarget(Draw(figures()));
                    await Task.Delay(TimeSpan.FromMilliseconds(250), time, cancellationToken);
                }
            }
            catch (OperationCanceledException)
            {
                live.UpdateTarget(Draw(figures()));
            }
        });

    internal static IRenderable Draw(FleetFigures now)
    {
        Table clusters = new Table().Border(TableBorder.Rounded).AddColumns("cluster", "state")
            .AddColumn("cars", column => column.RightAligned());
        foreach ((string name, bool isUp, int cars) in now.Clusters)
        {
            string label = now.BackEndAt == name ? $"{name} [grey](back end)[/]" : name;
            clusters.AddRow(label, isUp ? "[green]up[/]" : "[red]DOWN[/]", $"{cars}");
        }

        Table events = new Table().Border(TableBorder.Rounded).AddColumn("").AddColumn("events", column => column.RightAligned());
        events.AddRow("published", $"{now.Published}");
        events.AddRow("acknowledged by a cluster", $"{now.Acknowledged}");
        events.AddRow("delivered to the back end", $"{now.Delivered}");
        events.AddRow("commands sent", $"{now.CommandsSent}");
        events.AddRow("commands delivered", $"{now.CommandsDelivered}");
        events.AddRow("waiting in outboxes", $"{now.InOutboxes}");
        string lastEvent = now.LastEvent.Length == 0 ? string.Empty : $"  [yellow]{Markup.Escape(now.LastEvent)}[/]";
        return new Rows(
            new Markup($"[bold]{now.Elapsed.TotalSeconds:0.0} s[/]  {Markup.Escape(now.Phase)}{lastEvent}"),
            new Columns(clusters, events) { Expand = false });
    }
}
