using Spectre.Console;
using Spectre.Console.Rendering;

namespace EdgeGateway;

/// <summary>A moment of a run.</summary>
/// <param name="Elapsed">Since the load began.</param>
/// <param name="Phase">What the run does.</param>
/// <param name="Clusters">Which are up.</param>
/// <param name="AgentIsUp">Whether the agent is.</param>
/// <param name="Uplink">Whether the agent is connected to a cluster.</param>
/// <param name="Connected">Machines that are connected.</param>
/// <param name="Asleep">Machines that sleep.</param>
/// <param name="AtMachines">Events that the agent has not acknowledged.</param>
/// <param name="Acknowledged">Events that it has.</param>
/// <param name="AtAgent">Events that wait to go up.</param>
/// <param name="Delivered">Events that the back end was given.</param>
/// <param name="CommandsSent">Commands that the back end sent.</param>
/// <param name="CommandsDelivered">Commands that machines were given.</param>
/// <param name="MemoryMegabytes">Resident memory of the agent.</param>
/// <param name="LastEvent">What happened last.</param>
internal sealed record GatewayMoment(TimeSpan Elapsed, string Phase, IReadOnlyList<(string Name, bool IsUp)> Clusters, bool AgentIsUp,
    bool Uplink, int Connected, int Asleep, long AtMachines, long Acknowledged, long AtAgent, long Delivered, long CommandsSent,
    long CommandsDelivered, double MemoryMegabytes, string LastEvent) : IRunMoment
{
    public string Line()
    {
        string clusters = string.Join("  ", Clusters.Select(static c => $"{c.Name} {(c.IsUp ? "up" : "DOWN")}"));
        string lastEvent = LastEvent.Length == 0 ? string.Empty : $"  [{LastEvent}]";
        return $"{Elapsed.TotalSeconds,6:0.0}s  {clusters}  agent {(AgentIsUp ? "up" : "DOWN")}{(Uplink ? string.Empty : " alone")}  "
            + $"machines {Connected}{(Asleep > 0 ? $" ({Asleep} asleep)" : string.Empty)}  acknowledged {Acknowledged}  "
            + $"delivered {Delivered}  waiting {AtMachines}+{AtAgent}  commands {CommandsDelivered}/{CommandsSent}  "
            + $"{MemoryMegabytes:0} MB  {Phase}{lastEvent}";
    }

    public IRenderable Draw()
    {
        Table places = new Table().Border(TableBorder.Rounded).AddColumns("where", "state");
        foreach ((string name, bool isUp) in Clusters)
        {
            places.AddRow(name, State(isUp));
        }

        places.AddRow("agent", State(AgentIsUp) + (Uplink ? " connected" : " [yellow]alone[/]") + $" {MemoryMegabytes:0} MB");
        places.AddRow("machines", $"{Connected} connected, {Asleep} asleep");
        Table events = new Table().Border(TableBorder.Rounded).AddColumn("").AddColumn("events", column => column.RightAligned());
        events.AddRow("waiting at machines", $"{AtMachines}");
        events.AddRow("acknowledged by the agent", $"{Acknowledged}");
        events.AddRow("waiting to go up", $"{AtAgent}");
        events.AddRow("delivered to the back end", $"{Delivered}");
        events.AddRow("commands sent", $"{CommandsSent}");
        events.AddRow("commands delivered", $"{CommandsDelivered}");
        string lastEvent = LastEvent.Length == 0 ? string.Empty : $"  [yellow]{Markup.Escape(LastEvent)}[/]";
        return new Rows(
            new Markup($"[bold]{Elapsed.TotalSeconds:0.0} s[/]  {Markup.Escape(Phase)}{lastEvent}"),
            new Columns(places, events) { Expand = false });
    }

    private static string State(bool isUp) => isUp ? "[green]up[/]" : "[red]DOWN[/]";
}
