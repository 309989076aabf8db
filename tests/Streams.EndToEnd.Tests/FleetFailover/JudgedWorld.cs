using FieldTrial;
using FleetFailover;
using Streams.Core;

namespace Streams.EndToEnd.Tests;

/// <summary>A made-up run of three cars and three clusters, in which every promise is kept unless a test breaks one.</summary>
internal sealed class JudgedWorld
{
    public const int Cars = 3;
    public const int EventsOfACar = 40;

    private static readonly Origin Origin = Origin.Parse("sj.0192f3ab4c5d6e7f");

    public JudgedWorld(SabotageKind sabotage = SabotageKind.None, int seed = 1)
    {
        Judge = FleetStreams.NewJudge(["car-a", "car-b", "car-c"], ["sj", "ny", "ldn"]);
        Saboteur = new Saboteur(sabotage, Judge.Telemetry, new Random(seed), Cars * EventsOfACar);
    }

    public Judge Judge { get; }

    public Saboteur Saboteur { get; }

    /// <summary>Where an event stands: all cars share a lane, in turns.</summary>
    public Place Telemetry(int car, int number) => new(Lane(FleetStreams.Fleet, 2), (number * Cars) + car - Cars);

    public Place Command(int car, int number) => new(Lane(FleetStreams.Commands, 1), (number * Cars) + car - Cars);

    public int Lane(StreamPath stream, int partition) => Judge.Lanes.Number(stream, new PartitionId(partition), Origin);

    /// <summary>Everything is published, confirmed and delivered once, in order; every tenth event has a command.</summary>
    public JudgedWorld Drive()
    {
        for (int number = 1; number <= EventsOfACar; number++)
        {
            for (int car = 0; car < Cars; car++)
            {
                Judge.Telemetry.Publish(car, number);
                Saboteur.Deliver(car, number, Telemetry(car, number));
                Judge.Telemetry.Confirm(car, number, Telemetry(car, number));
                if (number <= EventsOfACar / 10)
                {
                    Judge.Commands.Publish(car, number);
                    Judge.Commands.Confirm(car, number, Command(car, number));
                    Judge.Commands.Deliver(car, number, Command(car, number));
                }
            }
        }

        Saboteur.EndDeliveries();
        return this;
    }

    /// <summary>Every cluster gives the same lanes. What <paramref name="read"/> gives back is shown instead of the truth; null is left
    /// out.</summary>
    public JudgedWorld Read(Func<int, Place, LaneContent, LaneContent?>? read = null)
    {
        Saboteur.ExpectReads(3 * Cars * EventsOfACar);
        for (int cluster = 0; cluster < 3; cluster++)
        {
            ReadLane(cluster, Lane(FleetStreams.Fleet, 2), Cars * EventsOfACar, read);
            ReadLane(cluster, Lane(FleetStreams.Commands, 1), Cars * EventsOfACar / 10, read);
        }

        return this;
    }

    public static LaneContent Content(int lane, int car, int number) => new((ulong)HashCode.Combine(lane, car, number), car, number);

    private void ReadLane(int cluster, int lane, int events, Func<int, Place, LaneContent, LaneContent?>? read)
    {
        Judge.Audit.List(cluster, lane, 0, events);
        for (int offset = 0; offset < events; offset++)
        {
            Place place = new(lane, offset);
            LaneContent truth = Content(lane, offset % Cars, (offset / Cars) + 1);
            if ((read is null ? truth : read(cluster, place, truth)) is { } shown)
            {
                Judge.Audit.Read(cluster, lane, offset, Saboteur.Read($"cluster {cluster}", place, shown));
            }
        }
    }
}
