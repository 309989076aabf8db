using Streams.Client;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>San Jose and New York, each replicating to the other, with a line that can be cut before each door and in each link.</summary>
internal sealed class Ring : IAsyncDisposable
{
    private static readonly TimeSpan LevelLimit = TimeSpan.FromSeconds(60);

    private Ring(TestCluster sj, TestCluster ny, CuttingProxy toSj, CuttingProxy toNy)
    {
        Sj = sj;
        Ny = ny;
        LinkToSj = toSj;
        LinkToNy = toNy;
        SjDoor = CuttingProxy.Start(sj.Options.MqttPort);
        NyDoor = CuttingProxy.Start(ny.Options.MqttPort);
    }

    public TestCluster Sj { get; }

    public TestCluster Ny { get; }

    /// <summary>Between MQTT clients and San Jose.</summary>
    public CuttingProxy SjDoor { get; }

    /// <summary>Between MQTT clients and New York.</summary>
    public CuttingProxy NyDoor { get; }

    /// <summary>For clients that prefer San Jose and may go to New York, through the doors.</summary>
    public IReadOnlyList<ClusterEndpoint> Doors => [Sj.At(SjDoor.Port), Ny.At(NyDoor.Port)];

    /// <summary>The link from New York to San Jose.</summary>
    public CuttingProxy LinkToSj { get; }

    /// <summary>The link from San Jose to New York.</summary>
    public CuttingProxy LinkToNy { get; }

    public static async Task<Ring> StartAsync(TemporaryDirectory directory)
    {
        var sj = new ServerProcessOptions { ClusterName = "sj", DataDirectory = directory.Combine("sj") };
        var ny = new ServerProcessOptions { ClusterName = "ny", DataDirectory = directory.Combine("ny") };
        var toSj = CuttingProxy.Start(sj.LinkPort);
        var toNy = CuttingProxy.Start(ny.LinkPort);
        var ring = new Ring(
            new TestCluster(sj with { LinksTo = [new ServerLink("ny", "127.0.0.1", toNy.Port)] }),
            new TestCluster(ny with { LinksTo = [new ServerLink("sj", "127.0.0.1", toSj.Port)] }),
            toSj,
            toNy);
        try
        {
            await Task.WhenAll(ring.Sj.StartAsync(), ring.Ny.StartAsync());
            await LinkedAsync(ring.Sj);
            await LinkedAsync(ring.Ny);
            return ring;
        }
        catch
        {
            await ring.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until both clusters have the same entries of every lane of a stream.</summary>
    public Task LevelAsync(string stream) => Eventually.TrueAsync(
        async () => Heads(await Sj.Api.LanesAsync(stream)) is { Length: > 0 } here && here == Heads(await Ny.Api.LanesAsync(stream)),
        $"both clusters have the same of {stream}", LevelLimit, () => $"sj: {Sj.Server.Report}\nny: {Ny.Server.Report}");

    /// <summary>Waits until both clusters are level, then compares every event of every lane.</summary>
    public async Task<IReadOnlyList<PlacedEvent>> EqualLanesAsync(string stream)
    {
        await LevelAsync(stream);
        var here = await Sj.Api.EventsAsync(stream);
        var there = await Ny.Api.EventsAsync(stream);
        Assert.Equal(here.Select(placed => placed.ToString()), there.Select(placed => placed.ToString()));
        return here;
    }

    public async ValueTask DisposeAsync()
    {
        await Sj.DisposeAsync();
        await Ny.DisposeAsync();
        await SjDoor.DisposeAsync();
        await NyDoor.DisposeAsync();
        await LinkToSj.DisposeAsync();
        await LinkToNy.DisposeAsync();
    }

    /// <summary>Healthy clusters need not be linked yet.</summary>
    private static Task LinkedAsync(TestCluster cluster) => Eventually.TrueAsync(
        async () => (await cluster.Api.TextAsync("api/v1/links")).Split("\"state\":\"level\"").Length == 3,
        $"both links of {cluster.Options.ClusterName} are level", LevelLimit, () => cluster.Server.Report);

    private static string Heads(IReadOnlyList<LaneState> lanes) => string.Join('\n', lanes);
}
