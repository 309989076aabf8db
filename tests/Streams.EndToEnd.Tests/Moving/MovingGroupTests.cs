using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>
/// A shared subscription of unmodified mosquitto_subs without sessions of their own loses its server to SIGKILL and goes on behind what was
/// acknowledged: at the same cluster when it is started again, and at another one.
/// </summary>
public sealed class MovingGroupTests
{
    private const string Stream = "/fleet";
    private const string Sessions = "/$mqtt";
    private const string Topic = "fleet/car-17/telemetry";
    private const string Filter = "$share/workers/fleet/#";
    private const string GroupCursor = "share/workers/fleet/#";

    [Fact]
    public async Task A_group_whose_server_was_killed_goes_on_there_and_elsewhere_behind_what_was_acknowledged()
    {
        using var directory = new TemporaryDirectory();
        await using var ring = await Ring.StartAsync(directory);
        await using (var one = Mosquitto.ListenOnce(ring.Sj.Options.MqttPort, Filter))
        await using (var two = Mosquitto.ListenOnce(ring.Sj.Options.MqttPort, Filter))
        {
            await Mosquitto.SubscribedAsync(one);
            await Mosquitto.SubscribedAsync(two);
            await Mosquitto.PublishAsync(ring.Sj.Options.MqttPort, Topic, Numbers(1, 50));
            await GivenAsync(1, 50, one, two);
            Assert.Equal(50, Mosquitto.Messages(one).Count + Mosquitto.Messages(two).Count);
            Assert.NotEmpty(Mosquitto.Messages(one));
            Assert.NotEmpty(Mosquitto.Messages(two));
            await CursorKnownAsync(ring.Sj, 50);
            await ring.Sj.KillAsync();
        }

        await ring.Sj.StartAsync();
        await Mosquitto.PublishAsync(ring.Sj.Options.MqttPort, Topic, Numbers(51, 60));
        await using (var again = Mosquitto.ListenOnce(ring.Sj.Options.MqttPort, Filter))
        {
            await GivenAsync(51, 60, again);
            Assert.Equal(Messages(51, 60), Mosquitto.Messages(again));
            await ring.LevelAsync(Sessions);
            await CursorKnownAsync(ring.Ny, 60);
            await ring.Sj.KillAsync();
        }

        await Mosquitto.PublishAsync(ring.Ny.Options.MqttPort, Topic, Numbers(61, 70));
        await using var elsewhere = Mosquitto.ListenOnce(ring.Ny.Options.MqttPort, Filter);
        await GivenAsync(61, 70, elsewhere);
        Assert.Equal(Messages(61, 70), Mosquitto.Messages(elsewhere));
        ServerLines.AssertCalm(ring.Ny.Server);
    }

    private static IReadOnlyList<string> Numbers(int from, int to)
        => [.. Enumerable.Range(from, to - from + 1).Select(number => $"{number}")];

    private static IReadOnlyList<string> Messages(int from, int to) => [.. Numbers(from, to).Select(number => $"{Topic} {number}")];

    private static Task GivenAsync(int from, int to, params ForeignTool[] members) => Eventually.TrueAsync(
        () => !Messages(from, to).Except(members.SelectMany(Mosquitto.Messages)).Any(), $"messages {from} to {to} are given",
        seen: () => string.Join('\n', members.Select(member => member.Report)));

    private static Task CursorKnownAsync(TestCluster cluster, long offset) => Eventually.TrueAsync(
        async () => (await cluster.Api.CursorsAsync(GroupCursor, Stream) ?? [])
            .Any(cursor => cursor.Positions.Any(position => position.Offset >= offset)),
        $"the group's cursor of {offset} is known at {cluster.Options.ClusterName}", seen: () => cluster.Server.Report);
}
