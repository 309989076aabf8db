using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>
/// mosquitto_pub -r and mosquitto_sub at clusters: what is retained at one is retained at all, through a kill, until it is removed.
/// </summary>
public sealed class RetainedClientTests
{
    private const string Topic = "fleet/car-17/state";

    [Theory]
    [InlineData("5")]
    [InlineData("311")]
    public async Task What_mosquitto_pub_retains_is_sent_to_new_subscribers_at_every_cluster_until_it_is_removed(string version)
    {
        using var directory = new TemporaryDirectory();
        await using var ring = await Ring.StartAsync(directory);
        await PublishAsync(ring.Sj, version, "-r", "-t", Topic, "-m", "parked");
        await PublishAsync(ring.Sj, version, "-r", "-t", Topic, "-m", "driving");
        await PublishAsync(ring.Sj, version, "-t", Topic, "-m", "passing by");
        await PublishAsync(ring.Sj, version, "-r", "-t", "fleet/car-18/state", "-m", "charging");
        Assert.Equal([$"1 {Topic} driving"], await SubscribeAsync(ring.Sj, version, 1, Topic));
        Assert.Equal(["1 fleet/car-18/state charging", $"1 {Topic} driving"],
            (await SubscribeAsync(ring.Sj, version, 2, "#")).OrderDescending(StringComparer.Ordinal));

        await ring.LevelAsync("/fleet");
        Assert.Equal([$"1 {Topic} driving"], await SubscribeAsync(ring.Ny, version, 1, "+/car-17/#"));
        await ring.Sj.KillAsync();
        await PublishAsync(ring.Ny, version, "-r", "-t", Topic, "-m", "towed");
        await ring.Sj.StartAsync();
        await ring.LevelAsync("/fleet");
        Assert.Equal([$"1 {Topic} towed"], await SubscribeAsync(ring.Sj, version, 1, Topic));

        // Without payload: gone, everywhere.
        await PublishAsync(ring.Sj, version, "-r", "-t", Topic, "-n");
        await ring.LevelAsync("/fleet");
        foreach (var cluster in (TestCluster[])[ring.Sj, ring.Ny])
        {
            Assert.Equal(["1 fleet/car-18/state charging"], await SubscribeAsync(cluster, version, 1, "fleet/#"));
        }

        ServerLines.AssertCalm(ring.Ny.Server);
    }

    private static Task PublishAsync(TestCluster cluster, string version, params string[] more)
        => ForeignTool.RunAsync("mosquitto_pub", [.. Common(cluster, version), .. more]);

    /// <summary>The first messages of a new subscriber: the retain flag, topic and payload of each.</summary>
    private static Task<IReadOnlyList<string>> SubscribeAsync(TestCluster cluster, string version, int count, string filter)
        => ForeignTool.RunAsync("mosquitto_sub",
            [.. Common(cluster, version), "-t", filter, "-C", $"{count}", "-W", "20", "-F", "%r %t %p"]);

    private static string[] Common(TestCluster cluster, string version)
        => ["-h", "127.0.0.1", "-p", $"{cluster.Options.MqttPort}", "-V", version, "-q", "1"];
}
