using System.Net;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>The kernel says EIO to flushes: nothing more is acknowledged and the server says so; when the disk is well again it goes on by
/// itself, and a restart has everything.</summary>
public sealed class FailingFlushTests
{
    private const string Stream = "/fleet";
    private const string Topic = "fleet/car-17/telemetry";

    /// <summary>A server that went on in spite of the fault would acknowledge all of them.</summary>
    private const int MostMessages = 2000;

    [Fact]
    public Task Nothing_is_acknowledged_behind_the_first_refused_flush() => Rounds.PlayAsync(async chance =>
    {
        using var directory = new TemporaryDirectory();
        var trace = directory.Combine("trace");
        await using var cluster = new TestCluster(Options(directory));
        await cluster.StartAsync(options => options with { RunUnder = Strace.FailingFrom(chance.Next(40, 80), trace) });
        var ledger = new AckLedger(Stream);
        var acknowledged = await PublishOneByOneAsync(cluster, ledger);
        await StoppedAsync(cluster);

        // One message at a time: each acknowledgement needs a flush of its own.
        await cluster.Server.KillAsync();
        var (good, refused) = Strace.Count(trace);
        Assert.True(refused > 0, "no flush was refused, so nothing was tested");
        Assert.InRange(acknowledged, 1, good);
        await cluster.StartAsync();
        await ledger.VerifyAsync(cluster.Api);
        ServerLines.AssertCalm(cluster.Server);
    });

    [Fact]
    public async Task A_device_keeps_what_a_failing_disk_did_not_take_and_sends_it_once_the_disk_is_well_again()
    {
        using var directory = new TemporaryDirectory();
        await using var cluster = await TestCluster.StartAloneAsync(directory);
        await using var car = await Device.OpenAsync(Device.Options("car-1", directory.Combine("outbox"), cluster.Endpoint), Stream);
        var ledger = new AckLedger(Stream);
        await car.PublishAsync(50, ledger);
        await car.ConfirmedAsync(50);
        await using (var strace = await Strace.FailFromNowAsync(cluster.Server.Id, directory.Combine("trace")))
        {
            var before = ledger.Count;
            await car.PublishAsync(50, ledger);
            await StoppedAsync(cluster);
            Assert.Equal(before, ledger.Count);
        }

        await car.ConfirmedAsync(100);
        Assert.Equal(HttpStatusCode.OK, await cluster.Api.HealthAsync());
        await ledger.VerifyAsync(cluster.Api);
        await cluster.StartAsync();
        await car.StopAsync();
        await ledger.VerifyAsync(cluster.Api);
        Assert.Equal(car.Everything(), (await cluster.Api.EventsAsync(Stream)).Select(found => found.Event.Text));
    }

    [Fact]
    public async Task A_server_whose_first_flush_is_refused_does_not_start()
    {
        using var directory = new TemporaryDirectory();
        await using var cluster = new TestCluster(Options(directory));
        await cluster.LaunchAsync(options => options with { RunUnder = Strace.FailingFrom(1, directory.Combine("trace")) });
        var exitCode = await cluster.Server.WaitForExitAsync(TimeSpan.FromSeconds(60));
        Assert.True(exitCode == 1, cluster.Server.Report);
        Assert.Empty(ServerLines.StackTraces(cluster.Server.Lines));
        Assert.StartsWith("streams: ", Assert.Single(ServerLines.Complaints(cluster.Server.Lines)), StringComparison.Ordinal);
        Assert.True(Strace.Count(directory.Combine("trace")).Refused > 0, "no flush was refused, so nothing was tested");
    }

    private static ServerProcessOptions Options(TemporaryDirectory directory)
        => new() { ClusterName = "sj", DataDirectory = directory.Combine("sj") };

    /// <summary>Publishes until the server refuses or gives up; gives how many were acknowledged.</summary>
    private static async Task<int> PublishOneByOneAsync(TestCluster cluster, AckLedger ledger)
    {
        await using var client = await RawMqttClient.ConnectAsync(cluster.Options.MqttPort, "car-17", inFlight: 1);
        var acknowledged = 0;
        while (acknowledged < MostMessages && await AnsweredAsync(client, cluster, $"car-17 {acknowledged + 1}"))
        {
            acknowledged++;
            ledger.Kept($"car-17 {acknowledged}");
        }

        return acknowledged;
    }

    /// <summary>Whether a message is acknowledged; not, when the server gives up instead of answering.</summary>
    private static async Task<bool> AnsweredAsync(RawMqttClient client, TestCluster cluster, string text)
    {
        var answer = client.PublishAsync(Topic, text);
        await Eventually.TrueAsync(
            async () => answer.IsCompleted || cluster.Server.HasExited || await cluster.Api.HealthAsync() != HttpStatusCode.OK,
            "the message is answered or the server gives up", TimeSpan.FromSeconds(60), () => cluster.Server.Report);
        return answer.IsCompletedSuccessfully && await answer;
    }

    /// <summary>The server is no longer healthy, says why in plain words, and runs.</summary>
    private static async Task StoppedAsync(TestCluster cluster)
    {
        await Eventually.TrueAsync(
            async () => await cluster.Api.HealthAsync() == HttpStatusCode.ServiceUnavailable, "the server is unhealthy",
            TimeSpan.FromSeconds(60), () => cluster.Server.Report);
        Assert.Contains("flush of", await cluster.Api.AnswerAsync("health"), StringComparison.Ordinal);
        Assert.False(cluster.Server.HasExited);
        Assert.NotEmpty(ServerLines.Errors(cluster.Server.Lines));
        Assert.Empty(ServerLines.StackTraces(cluster.Server.Lines));
    }
}
