using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>mqtt.js against a real server: every quality of service, and a persistent session whose cluster is killed.</summary>
public sealed class MqttJsTests
{
    private const string ClientId = "js-1";
    private const string Filter = "plant/press/#";
    private const string Topic = "plant/press/7";

    [Fact]
    public async Task Messages_of_each_quality_come_back_once_and_in_order()
    {
        using var directory = new TemporaryDirectory();
        await using var cluster = await TestCluster.StartAloneAsync(directory);
        foreach (var version in new[] { "5", "311" })
        {
            for (var qos = 0; qos <= 2; qos++)
            {
                var (code, report) = await MqttJs.EchoAsync(cluster.Options.MqttPort, version, qos);
                Assert.True(code == 0 && report.Contains("echo 50", StringComparison.Ordinal), $"MQTT {version}, QoS {qos}: {report}");
            }
        }

        ServerLines.AssertCalm(cluster.Server);
    }

    [Theory]
    [InlineData("5", 1)]
    [InlineData("5", 2)]
    [InlineData("311", 2)]
    public async Task A_persistent_session_goes_on_at_another_cluster(string version, int qos)
    {
        using var directory = new TemporaryDirectory();
        await using var ring = await Ring.StartAsync(directory);
        await using (var listener = MqttJs.Listen(ring.Sj.Options.MqttPort, version, ClientId, Filter, qos))
        {
            Assert.False(await MqttJs.SubscribedAsync(listener));
            await Mosquitto.PublishAsync(ring.Sj.Options.MqttPort, Topic, Numbers(1, 50), qos);
            await GivenAsync(listener, 1, 50);
            await Eventually.TrueAsync(
                async () => (await ring.Ny.Api.CursorsAsync("mqtt/" + ClientId, "/plant") ?? [])
                    .Any(cursor => cursor.Positions.Any(position => position.Offset >= 50)),
                "the session's cursor has arrived in New York", seen: () => ring.Ny.Server.Report);
            await ring.Sj.KillAsync();
            await listener.WaitForLineAsync(line => line == "closed", "the end of the connection");
            Assert.Equal(Messages(1, 50), MqttJs.Messages(listener));
        }

        await Mosquitto.PublishAsync(ring.Ny.Options.MqttPort, Topic, Numbers(51, 80), qos);
        await using var later = MqttJs.Listen(ring.Ny.Options.MqttPort, version, ClientId, Filter, qos);
        Assert.True(await MqttJs.SubscribedAsync(later), "no session present");
        await GivenAsync(later, 51, 80);
        Assert.Equal(Messages(51, 80), MqttJs.Messages(later));
        ServerLines.AssertCalm(ring.Ny.Server);
    }

    private static IReadOnlyList<string> Numbers(int from, int to)
        => [.. Enumerable.Range(from, to - from + 1).Select(number => $"{number}")];

    private static IReadOnlyList<string> Messages(int from, int to) => [.. Numbers(from, to).Select(number => $"{Topic} {number}")];

    private static Task GivenAsync(ForeignTool listener, int from, int to) => Eventually.TrueAsync(
        () => !Messages(from, to).Except(MqttJs.Messages(listener)).Any(), $"messages {from} to {to} are given",
        seen: () => listener.Report);
}
