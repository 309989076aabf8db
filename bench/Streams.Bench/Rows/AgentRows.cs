using System.Globalization;

namespace Streams.Bench;

/// <summary>What the edge agent takes of its machine and its line while a thousand devices publish 5,000 events a second. Its rows look at
/// one load and do not repeat it.</summary>
internal abstract class AgentRow : BenchRow
{
    private static readonly List<(AgentLoad Agent, AgentLoad? Mosquitto)> Loads = [];
    private int _next;

    public override string Reference => "mosquitto (2.0.11, Debian's) with the same devices, in memory and without an uplink";

    public override async Task<Measured> MeasureAsync(BenchRun run)
    {
        if (_next == Loads.Count)
        {
            Loads.Add((await AgentLoad.AtAgentAsync(run), await AgentLoad.AtMosquittoAsync(run)));
        }

        (AgentLoad agent, AgentLoad? mosquitto) = Loads[_next++];
        return Of(agent, mosquitto);
    }

    protected abstract Measured Of(AgentLoad agent, AgentLoad? mosquitto);

    protected static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Memory before a device came.</summary>
internal sealed class AgentIdleRow : AgentRow
{
    public override string Name => "agent-idle";

    public override string Measures => "resident memory of an edge agent that is connected to a cluster and has no device";

    public override string Goal => "100 MB";

    protected override Measured Of(AgentLoad agent, AgentLoad? mosquitto) => new(agent.Idle, mosquitto?.Idle ?? double.NaN, "MB", "");
}

/// <summary>Memory under load.</summary>
internal sealed class AgentMemoryRow : AgentRow
{
    public override string Name => "agent-memory";

    public override string Measures => "resident memory of an edge agent, 1,000 devices publish 5,000 events of 200 B a second";

    public override string Goal => "100 MB";

    protected override Measured Of(AgentLoad agent, AgentLoad? mosquitto) => new(agent.Memory, mosquitto?.Memory ?? double.NaN, "MB",
        Text($"{agent.Anonymous:0} MB of it its own, {agent.Events} events"));
}

/// <summary>Processor time.</summary>
internal sealed class AgentCpuRow : AgentRow
{
    public override string Name => "agent-cpu";

    public override string Measures => "processor time of an edge agent for an event, from PUBLISH to a cluster's acknowledgement";

    public override string Goal => "none";

    protected override Measured Of(AgentLoad agent, AgentLoad? mosquitto) => new(agent.CpuMicroseconds,
        mosquitto?.CpuMicroseconds ?? double.NaN, "us/event", Text($"PUBACK after {agent.AckMilliseconds:0.0} ms, the median"));
}

/// <summary>Bytes to the cluster.</summary>
internal sealed class AgentWireRow : AgentRow
{
    public override string Name => "agent-wire";

    public override string Measures => "bytes from an edge agent to a cluster for an event";

    public override string Reference => "one PUBLISH of QoS 1 with the same topic and payload";

    public override string Goal => "0.25";

    protected override Measured Of(AgentLoad agent, AgentLoad? mosquitto) =>
        new(agent.WireBytes, AgentLoad.PublishBytes, "B/event", "");
}

/// <summary>Bytes to the disk.</summary>
internal sealed class AgentDiskRow : AgentRow
{
    public override string Name => "agent-disk";

    public override string Measures => "bytes that an edge agent gives to its disk for an event";

    public override string Reference => "the payload";

    public override string Goal => "2.50";

    protected override Measured Of(AgentLoad agent, AgentLoad? mosquitto) =>
        new(agent.WrittenBytes, AgentLoad.PayloadBytes, "B/event", Text($"{agent.Commits:0} flushes a second"));
}
