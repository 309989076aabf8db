using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>
/// An unmodified mosquitto_sub with a persistent session loses its cluster and goes on at another one that it never met before, with the
/// next message.
/// </summary>
public sealed class MovingMqttClientTests
{
    private const string Stream = "/fleet";
    private const string Sessions = "/$mqtt";
    private const string Topic = "fleet/car-17/telemetry";
    private const string ClientId = "car-1";

    [Theory]
    [InlineData("5")]
    [InlineData("311")]
    public async Task A_plain_client_whose_cluster_was_killed_goes_on_elsewhere_with_the_next_message(string version)
    {
        using var directory = new TemporaryDirectory();
        await using var ring = await Ring.StartAsync(directory);
        IReadOnlyList<string> first;
        await using (var listener = Mosquitto.Listen(ring.Sj.Options.MqttPort, version, ClientId, "fleet/#"))
        {
            await Mosquitto.SubscribedAsync(listener);
            await Mosquitto.PublishAsync(ring.Sj.Options.MqttPort, Topic, Numbers(1, 50));
            await GivenAsync(listener, 50);
            await CursorKnownAsync(ring.Ny, 50);
            await ring.Sj.KillAsync();
            first = Mosquitto.Messages(listener);
        }

        Assert.Equal(Messages(1, 50), first);
        await Mosquitto.PublishAsync(ring.Ny.Options.MqttPort, Topic, Numbers(51, 60));
        await using (var listener = Mosquitto.Listen(ring.Ny.Options.MqttPort, version, ClientId, "fleet/#"))
        {
            await GivenAsync(listener, 60, Numbers(51, 60));
            await Mosquitto.PublishAsync(ring.Ny.Options.MqttPort, Topic, Numbers(61, 70));
            await GivenAsync(listener, 70, Numbers(61, 70));
            await ring.Sj.StartAsync();
            await Mosquitto.PublishAsync(ring.Sj.Options.MqttPort, Topic, Numbers(71, 80));
            await GivenAsync(listener, 80, Numbers(71, 80));

            // The last message may not have been acknowledged in time: that one alone may come again.
            Assert.Equal(Messages(51, 80), Mosquitto.Messages(listener).SkipWhile(message => message == Messages(50, 50)[0]));
        }

        var events = await ring.EqualLanesAsync(Stream);
        Assert.Equal(Numbers(1, 80), events.Select(found => int.Parse(found.Event.Text)).Order().Select(number => $"{number}"));
        ServerLines.AssertCalm(ring.Ny.Server);
    }

    [Theory]
    [InlineData("5")]
    [InlineData("311")]
    public Task A_plain_client_that_moves_under_load_loses_nothing_that_was_acknowledged(string version) => Rounds.PlayAsync(async chance =>
    {
        for (var round = 0; round < Rounds.Or(1); round++)
        {
            await MoveUnderLoadAsync(version, chance);
        }
    });

    private static async Task MoveUnderLoadAsync(string version, Random chance)
    {
        using var directory = new TemporaryDirectory();
        await using var ring = await Ring.StartAsync(directory);
        List<string> given = [];
        IReadOnlySet<int> acknowledged;
        await using (var listener = Mosquitto.Listen(ring.Sj.Options.MqttPort, version, ClientId, "fleet/#"))
        await using (var publisher = Mosquitto.PublishLines(ring.Sj.Options.MqttPort, Topic))
        {
            await Mosquitto.SubscribedAsync(listener);

            // A session goes on where it is known: a cluster killed before it could tell anybody takes its newest sessions with it.
            await ring.LevelAsync(Sessions);
            foreach (var number in Numbers(1, 2000))
            {
                await publisher.WriteLineAsync(number);
            }

            var enough = chance.Next(50, 800);
            await Eventually.TrueAsync(
                () => Mosquitto.Messages(listener).Count >= enough, $"{enough} messages are given", seen: () => listener.Report);
            await ring.Sj.KillAsync();
            acknowledged = Mosquitto.AcknowledgedNumbers(publisher);
            given.AddRange(Mosquitto.Messages(listener));
        }

        Assert.Equal(Messages(1, given.Count), given);
        await Mosquitto.PublishAsync(ring.Ny.Options.MqttPort, Topic, Numbers(2001, 2050));
        await using var later = Mosquitto.Listen(ring.Ny.Options.MqttPort, version, ClientId, "fleet/#");
        await ring.Sj.StartAsync();
        string[] all = [.. acknowledged.Order().Select(number => Messages(number, number)[0]), .. Messages(2001, 2050)];
        await Eventually.TrueAsync(
            () => !all.Except(given).Except(Mosquitto.Messages(later)).Any(), "every acknowledged message is given",
            TimeSpan.FromSeconds(60),
            () => $"missing: {string.Join(", ", all.Except(given).Except(Mosquitto.Messages(later)).Take(10))}; {later.Report}");

        // What New York did not yet know to be acknowledged comes again; of each lane the first copies are in order.
        given.AddRange(Mosquitto.Messages(later));
        var fromSj = given.Where(message => NumberOf(message) <= 2000).Distinct().ToArray();
        Assert.Equal(fromSj.OrderBy(NumberOf), fromSj);
        Assert.Equal(Messages(2001, 2050), given.Where(message => NumberOf(message) > 2000).Distinct());
        await ring.EqualLanesAsync(Stream);
        ServerLines.AssertCalm(ring.Ny.Server);
    }

    private static IReadOnlyList<string> Numbers(int from, int to)
        => [.. Enumerable.Range(from, to - from + 1).Select(number => $"{number}")];

    private static IReadOnlyList<string> Messages(int from, int to) => [.. Numbers(from, to).Select(number => $"{Topic} {number}")];

    private static int NumberOf(string message) => int.Parse(message[(Topic.Length + 1)..]);

    private static Task GivenAsync(ForeignTool listener, int last, IReadOnlyList<string>? numbers = null)
    {
        var wanted = (numbers ?? Numbers(1, last)).Select(number => $"{Topic} {number}").ToArray();
        return Eventually.TrueAsync(
            () => !wanted.Except(Mosquitto.Messages(listener)).Any(), $"messages up to {last} are given", seen: () => listener.Report);
    }

    /// <summary>Waits until a cluster knows that the session is behind this many events of the first lane.</summary>
    private static Task CursorKnownAsync(TestCluster cluster, long offset) => Eventually.TrueAsync(
        async () => (await cluster.Api.CursorsAsync(SessionCursor, Stream) ?? [])
            .Any(cursor => cursor.Positions.Any(position => position.Offset >= offset)),
        $"the session's cursor of {offset} has arrived at {cluster.Options.ClusterName}", seen: () => cluster.Server.Report);

    /// <summary>The name under which a persistent session keeps its cursor.</summary>
    private static string SessionCursor => "mqtt/" + ClientId;
}
