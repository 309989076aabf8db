using Streams.Client;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>A device and a back end with the SDK lose their cluster under load, in every way a cluster can be lost.</summary>
public sealed class SdkFailoverTests
{
    private const string Stream = "/fleet";

    /// <summary>Events that a cluster must hold without the device knowing it: fewer than it has in flight.</summary>
    private const int Unheard = 5;

    public static TheoryData<LineFault> Faults => [.. Enum.GetValues<LineFault>()];

    [Theory]
    [MemberData(nameof(Faults))]
    public Task A_device_that_loses_its_cluster_goes_on_and_each_event_is_given_once(LineFault fault) => Rounds.PlayAsync(async chance =>
    {
        using var directory = new TemporaryDirectory();
        await using var ring = await Ring.StartAsync(directory);
        await using var car = await Device.OpenAsync(Options("car-1", directory, ring.Doors), Stream);
        await using var settled = await Listener.OpenAsync(Options("settled", directory, ring.Ny.Endpoint), Stream);
        await using var moving = await Listener.OpenAsync(Options("moving", directory, ring.Doors), Stream);
        car.PublishAllTheTime();
        for (var round = 0; round < Rounds.Or(1); round++)
        {
            await car.ConfirmedAsync(car.Confirmed + chance.Next(50, 400));
            await ring.StrikeAsync(fault);
            await ConnectedAsync(car.Client, "ny");
            await car.ConfirmedAsync(car.Confirmed + chance.Next(50, 400));
            await ring.MendAsync(fault);

            // Back to San Jose for the next round, and to see the way back too.
            await car.ConfirmedAsync(car.Confirmed + chance.Next(50, 400));
            await ring.NyDoor.CutAsync();
            await ConnectedAsync(car.Client, "sj");
            await ConnectedAsync(moving.Client, "sj");
            ring.NyDoor.Restore();
        }

        await car.StopAsync();
        await settled.EachOnceInOrderAsync(car);
        await moving.EachOnceInOrderAsync(car);
        await ring.EqualLanesAsync(Stream);
    });

    [Fact]
    public Task Events_whose_acknowledgement_was_lost_stand_twice_and_are_given_once() => Rounds.PlayAsync(async chance =>
    {
        using var directory = new TemporaryDirectory();
        await using var ring = await Ring.StartAsync(directory);
        await using var car = await Device.OpenAsync(Options("car-1", directory, ring.Doors), Stream);
        await using var atNy = await Listener.OpenAsync(Options("at-ny", directory, ring.Ny.Endpoint), Stream);
        await using var atSj = await Listener.OpenAsync(Options("at-sj", directory, ring.Sj.Endpoint), Stream);
        await using var moving = await Listener.OpenAsync(Options("moving", directory, ring.Doors), Stream);
        for (var round = 0; round < Rounds.Or(1); round++)
        {
            await ConnectedAsync(car.Client, "sj");
            await ConnectedAsync(moving.Client, "sj");
            await car.PublishAsync(chance.Next(20, 200));
            await car.ConfirmedAsync(car.Published);
            await moving.CountAsync(car.Published);

            // The lane of San Jose must not reach New York before the car does, or hello would tell that it is held.
            ring.LinkToNy.Stall(Direction.ToTarget);
            ring.SjDoor.CutOneWay(Direction.ToClient);
            var heard = car.Confirmed;
            await car.PublishAsync(chance.Next(20, 200));
            await StandsAtAsync(ring.Sj, "sj", car, heard + Unheard);
            await car.ConfirmedAsync(car.Published);
            Assert.Equal("ny", car.Client.ConnectedTo?.Value);
            ring.SjDoor.Restore();
            ring.LinkToNy.Restore();
            await ring.LevelAsync(Stream);
            await ring.NyDoor.CutAsync();
            await ConnectedAsync(car.Client, "sj");
            ring.NyDoor.Restore();
        }

        var events = await ring.EqualLanesAsync(Stream);
        var twins = events.GroupBy(found => found.Event.Identity).Count(copies => copies.Count() > 1);
        Assert.True(twins > 0, "there were no twins, so nothing was tested");
        await atNy.EachOnceInOrderAsync(car);
        await atSj.EachOnceInOrderAsync(car);
        await moving.EachOnceInOrderAsync(car);
    });

    [Fact]
    public async Task A_consumer_that_is_closed_and_opened_goes_on_with_the_next_event()
    {
        using var directory = new TemporaryDirectory();
        await using var ring = await Ring.StartAsync(directory);
        await using var car = await Device.OpenAsync(Options("car-1", directory, ring.Sj.Endpoint), Stream);
        IReadOnlyList<string> first;
        await using (var listener = await Listener.OpenAsync(Options("back-end", directory, ring.Sj.Endpoint), Stream))
        {
            await car.PublishAsync(100);
            await listener.CountAsync(100);
            first = listener.Given(car.Name);
        }

        await car.PublishAsync(100);
        await car.StopAsync();
        await using var again = await Listener.OpenAsync(Options("back-end", directory, ring.Ny.Endpoint), Stream);
        await again.CountAsync(100);
        Assert.Equal(car.Everything(), first.Concat(again.Given(car.Name)));
    }

    private static StreamsClientOptions Options(string name, TemporaryDirectory directory, params IReadOnlyList<ClusterEndpoint> clusters)
        => Device.Options(name, directory.Combine(name + ".outbox"), clusters) with
        {
            // No order may be given up here: whatever is missing comes back within the test.
            Patience = TimeSpan.FromMinutes(2),
        };

    private static Task ConnectedAsync(StreamsClient client, string cluster) => Eventually.TrueAsync(
        () => client.ConnectedTo?.Value == cluster, $"the client is connected to {cluster}", TimeSpan.FromSeconds(30),
        () => $"{client.ConnectedTo}");

    /// <summary>Waits until the lanes that a cluster wrote itself hold this event of the car.</summary>
    private static Task StandsAtAsync(TestCluster cluster, string origin, Device car, int number) => Eventually.TrueAsync(
        async () => (await cluster.Api.EventsAsync(Stream)).Where(found => found.Origin.StartsWith(origin + ".", StringComparison.Ordinal))
            .Any(found => found.Event.Text == $"{car.Name} {number}"),
        $"{origin} has written event {number}", seen: () => $"{car.Logs.Text}; {cluster.Server.Report}");
}
