using Streams.Client;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>The device's process ends with events that no cluster has confirmed; the next one brings them home.</summary>
public sealed class OutboxRestartTests
{
    private const string Stream = "/fleet";

    /// <summary>Events that a cluster must hold without the device knowing it, before it is killed: fewer than it has in flight.</summary>
    private const int Unheard = 5;

    [Fact]
    public async Task What_was_published_without_a_cluster_is_sent_by_the_next_process()
    {
        using var directory = new TemporaryDirectory();
        await using var cluster = new TestCluster(new ServerProcessOptions { ClusterName = "sj", DataDirectory = directory.Combine("sj") });
        var options = Device.Options("car-1", directory.Combine("outbox"), cluster.Endpoint);
        await using (var car = await Device.OpenAsync(options, Stream))
        {
            await car.PublishAsync(200);
            Assert.Equal(200, car.Client.OutboxEvents);
        }

        await cluster.StartAsync();
        await using (var car = await Device.OpenAsync(options, Stream, alreadyPublished: 200))
        {
            await car.PublishAsync(50);
            await car.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
            Assert.Equal(0, car.Client.OutboxEvents);
            await StandsOnceInOrderAsync(cluster, car);
        }
    }

    [Fact]
    public async Task A_killed_process_sends_nothing_twice_that_its_cluster_holds_although_it_never_heard_of_it()
    {
        using var directory = new TemporaryDirectory();
        await using var cluster = await TestCluster.StartAloneAsync(directory);
        await using var door = CuttingProxy.Start(cluster.Options.MqttPort);
        var options = Device.Options("car-1", directory.Combine("outbox"), cluster.At(door.Port));
        var image = await CrashAsync(options, door, cluster, directory);

        await using var car = await Device.OpenAsync(options with { OutboxPath = image }, Stream, alreadyPublished: 200);
        await car.PublishAsync(50);
        await car.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        await StandsOnceInOrderAsync(cluster, car);
    }

    [Fact]
    public async Task What_a_killed_process_sends_again_to_another_cluster_is_given_once()
    {
        using var directory = new TemporaryDirectory();
        await using var ring = await Ring.StartAsync(directory);
        await using var listener = await Listener.OpenAsync(
            Device.Options("back-end", directory.Combine("back-end"), ring.Ny.Endpoint) with { Patience = TimeSpan.FromMinutes(2) },
            Stream);
        ring.LinkToNy.Stall(Direction.ToTarget);
        var options = Device.Options("car-1", directory.Combine("outbox"), ring.Sj.At(ring.SjDoor.Port));
        var image = await CrashAsync(options, ring.SjDoor, ring.Sj, directory);

        await using var car = await Device.OpenAsync(
            options with { OutboxPath = image, Clusters = [ring.Ny.Endpoint] }, Stream, alreadyPublished: 200);
        await car.PublishAsync(50);
        await car.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        ring.LinkToNy.Restore();
        var events = await ring.EqualLanesAsync(Stream);
        Assert.InRange(events.GroupBy(found => found.Event.Identity).Count(copies => copies.Count() > 1), Unheard, 100);
        await listener.EachOnceInOrderAsync(car);
    }

    /// <summary>
    /// Publishes 100 events that are confirmed and 100 more, some of which the cluster holds without the device knowing it. Gives what is
    /// on the device's disk at that moment: what a killed process leaves behind.
    /// </summary>
    private static async Task<string> CrashAsync(
        StreamsClientOptions options, CuttingProxy door, TestCluster cluster, TemporaryDirectory directory)
    {
        var image = directory.CreateDirectory("image");
        // What is under way without an answer is to be several events, not one in each of a few batches.
        var gathering = options with { Linger = TimeSpan.FromSeconds(1) };
        await using (var car = await Device.OpenAsync(gathering, Stream))
        {
            for (var confirmed = 10; confirmed <= 100; confirmed += 10)
            {
                // A device that was answered soon for a while has several batches under way.
                await car.PublishAsync(10);
                await car.ConfirmedAsync(confirmed);
            }

            door.CutOneWay(Direction.ToClient);
            await car.PublishAsync(100);
            var held = 0;
            await Eventually.TrueAsync(
                async () => (held = (await cluster.Api.EventsAsync(Stream)).Count) >= 100 + Unheard,
                "the cluster holds more than the device knows", seen: () => $"{held} events; {car.Logs.Text}; {cluster.Server.Report}");
            await door.CutAsync();
            await Eventually.TrueAsync(() => car.Client.ConnectedTo is null, "the device has noticed");
            string[] files = [options.OutboxPath, options.OutboxPath + "-wal"];
            foreach (var file in files.Where(File.Exists))
            {
                File.Copy(file, Path.Combine(image, Path.GetFileName(file)));
            }
        }

        door.Restore();
        return Path.Combine(image, Path.GetFileName(options.OutboxPath));
    }

    private static async Task StandsOnceInOrderAsync(TestCluster cluster, Device car)
        => Assert.Equal(car.Everything(), (await cluster.Api.EventsAsync(Stream)).Select(found => found.Event.Text));
}
