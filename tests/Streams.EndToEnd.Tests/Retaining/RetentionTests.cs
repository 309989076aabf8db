using System.Text.RegularExpressions;
using Streams.Client;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>A stream keeps its events for a second or two; consumers that come later are told what they missed and go on.</summary>
public sealed partial class RetentionTests
{
    private const string Stream = "/fleet";
    private const string Topic = "fleet/car-17/telemetry";

    [Fact]
    public async Task A_consumer_that_comes_too_late_is_told_how_many_events_it_missed_and_goes_on()
    {
        using var directory = new TemporaryDirectory();
        await using var cluster = await TestCluster.StartAloneAsync(directory);
        await cluster.Api.PutSettingsAsync("fleet", """{"retentionAge":"PT2S"}""");
        await using var car = await Device.OpenAsync(Device.Options("car-1", directory.Combine("car"), cluster.Endpoint), Stream);
        int given;
        await using (var early = await ListenAsync(directory, cluster))
        {
            await car.PublishAsync(20);
            await early.CountAsync(20);
            given = early.Count;
        }

        await car.PublishAsync(100);
        await car.ConfirmedAsync(120);
        var gone = await GoneAsync(cluster);
        Assert.InRange(gone, 21, 120);
        await using var late = await ListenAsync(directory, cluster);
        await car.PublishAsync(30);
        await late.CountAsync(150 - gone);
        Assert.Equal(car.Everything().Skip(gone), late.Given(car.Name));
        var missed = Missed().Matches(late.Logs.Text).Sum(found => int.Parse(found.Groups[1].Value));
        Assert.Equal(gone, given + missed);
        Assert.Contains($"streams_gateway_gap_events_total {missed}\n", await cluster.Api.TextAsync("metrics"));
        await car.StopAsync();
    }

    [Theory]
    [InlineData("5")]
    [InlineData("311")]
    public async Task A_plain_mqtt_client_that_comes_too_late_goes_on_with_what_is_kept(string version)
    {
        using var directory = new TemporaryDirectory();
        await using var cluster = await TestCluster.StartAloneAsync(directory);
        await cluster.Api.PutSettingsAsync("fleet", """{"retentionAge":2}""");
        var port = cluster.Options.MqttPort;
        await using (var early = Mosquitto.Listen(port, version, "car-1", "fleet/#"))
        {
            await Mosquitto.SubscribedAsync(early);
            await Mosquitto.PublishAsync(port, Topic, Numbers(1, 20));
            await GivenAsync(early, 1, 20);
        }

        await Mosquitto.PublishAsync(port, Topic, Numbers(21, 120));
        var gone = await GoneAsync(cluster);
        Assert.InRange(gone, 21, 120);
        await using var late = Mosquitto.Listen(port, version, "car-1", "fleet/#");
        await Mosquitto.SubscribedAsync(late);
        await Mosquitto.PublishAsync(port, Topic, Numbers(121, 130));
        await GivenAsync(late, gone + 1, 130);

        // The last one that was given before may not have been acknowledged in time: it went all the same.
        Assert.Equal(Numbers(gone + 1, 130).Select(n => $"{Topic} {n}"), Mosquitto.Messages(late));
        Assert.Contains("that retention has taken", cluster.Server.Report);
    }

    private static Task<Listener> ListenAsync(TemporaryDirectory directory, TestCluster cluster) =>
        Listener.OpenAsync(Device.Options("back-end", directory.Combine("back-end"), cluster.Endpoint), Stream);

    /// <summary>Waits until retention has left the last entry of each lane, and gives how many events went.</summary>
    private static async Task<int> GoneAsync(TestCluster cluster)
    {
        await Eventually.TrueAsync(
            async () => (await cluster.Api.LanesAsync(Stream)).All(lane => lane.FirstEntry == lane.NextEntry - 1),
            "retention has taken all but the last entry", TimeSpan.FromSeconds(60), () => cluster.Server.Report);
        return (int)(await cluster.Api.LanesAsync(Stream)).Sum(lane => lane.FirstOffset);
    }

    private static Task GivenAsync(ForeignTool listener, int first, int last)
    {
        var wanted = Numbers(first, last).Select(number => $"{Topic} {number}").ToArray();
        return Eventually.TrueAsync(
            () => !wanted.Except(Mosquitto.Messages(listener)).Any(), $"messages {first} to {last} are given", seen: () => listener.Report);
    }

    private static IEnumerable<string> Numbers(int first, int last) => Enumerable.Range(first, last - first + 1).Select(n => $"{n}");

    [GeneratedRegex("([0-9]+) events of partition [0-9]+ were taken by retention")]
    private static partial Regex Missed();
}
