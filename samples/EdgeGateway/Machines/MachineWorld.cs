using Streams.Core;

namespace EdgeGateway;

/// <summary>What the machines of a run share.</summary>
/// <param name="Port">Where the agent takes them, on 127.0.0.1.</param>
/// <param name="Judge">Is told what they do.</param>
/// <param name="Devices">Their names.</param>
/// <param name="Pauses">Is told when the agent acknowledges.</param>
/// <param name="Latencies">Is told when they publish.</param>
/// <param name="Time">The time.</param>
internal sealed record MachineWorld(int Port, Judge Judge, DeviceNumbers Devices, Pauses Pauses, Latencies Latencies, TimeProvider Time)
{
    /// <summary>The stream of what machines measure: the first level of their topics.</summary>
    public static readonly StreamPath Plant = StreamPath.Parse("/plant");

    /// <summary>The stream of commands.</summary>
    public static readonly StreamPath Orders = StreamPath.Parse("/orders");

    /// <summary>How long an agent keeps the session of a machine that is not there: longer than any jump of its clock.</summary>
    public static readonly TimeSpan SessionExpiry = TimeSpan.FromDays(30);

    /// <summary>Where a machine publishes.</summary>
    public static string TelemetryTopic(string machine) => $"plant/{machine}/telemetry";

    /// <summary>Where a machine takes commands.</summary>
    public static string OrderTopic(string machine) => $"orders/{machine}";

    /// <summary>The agent took responsibility for an event.</summary>
    public void Acknowledged(int machine, int number)
    {
        Judge.Telemetry.Publish(machine, number);
        Pauses.Acknowledged(machine);
    }

    /// <summary>A machine was given a command that says where it stands. QoS 1 gives a command again when nobody knows whether it came;
    /// the machine knows it by its place, and only what stands elsewhere would be a second one.</summary>
    /// <param name="machine">Who was given it.</param>
    /// <param name="payload">The command.</param>
    /// <param name="place">Its place; <see langword="null"/> when the message named none.</param>
    /// <param name="given">The places that the machine was given before; the caller's alone.</param>
    public void Deliver(int machine, ReadOnlySpan<byte> payload, Place? place, HashSet<Place> given)
    {
        if (!Devices.TryRead(payload, out int device, out int number))
        {
            Judge.Commands.DeliverUnreadable($"{Devices.Names[machine]} was given a damaged command");
        }
        else if (device != machine)
        {
            Judge.Commands.DeliverUnreadable($"{Devices.Names[machine]} was given {Judge.Commands.Name(device, number)}");
        }
        else if (place is not { } at)
        {
            Judge.Commands.DeliverUnreadable($"{Judge.Commands.Name(device, number)} came without its place");
        }
        else
        {
            if (!given.Add(at))
            {
                Judge.Commands.AllowRepeat(device, number);
            }

            Judge.Commands.Deliver(device, number, at);
        }
    }

    /// <summary>The place that an agent tells with a message; <see langword="null"/> when one of the four parts is missing.</summary>
    public Place? PlaceOf(Func<string, string?> property) =>
        StreamPath.TryParse(property("stream"), out StreamPath stream, out _)
            && int.TryParse(property("partition"), out int partition) && Origin.TryParse(property("origin"), out Origin origin)
            && long.TryParse(property("offset"), out long offset)
            ? Judge.Lanes.Place(stream, new PartitionId(partition), new EventPlace(origin, new Offset(offset))) : null;
}
