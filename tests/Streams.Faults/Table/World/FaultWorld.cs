using Streams.EndToEnd.Tests;
using Streams.Testing;

namespace Streams.Faults;

/// <summary>Which clusters a row needs.</summary>
internal enum WorldKind
{
    /// <summary>San Jose alone, behind a door that can be cut.</summary>
    Alone,

    /// <summary>San Jose and New York, which replicate to each other, each behind a door.</summary>
    Ring,
}

/// <summary>The clusters of one row, as processes of their own; all runs of the row use them one after another.</summary>
internal sealed class FaultWorld : IAsyncDisposable
{
    private readonly TestCluster? _alone;
    private readonly CuttingProxy? _door;

    private FaultWorld(TemporaryDirectory directory, TestCluster? alone, Ring? ring)
    {
        Directory = directory;
        _alone = alone;
        Ring = ring;
        _door = alone is null ? null : CuttingProxy.Start(alone.Options.MqttPort);
    }

    public TemporaryDirectory Directory { get; }

    public Ring? Ring { get; }

    public TestCluster Sj => _alone ?? Ring!.Sj;

    /// <summary>Between devices and San Jose.</summary>
    public CuttingProxy Door => _door ?? Ring!.SjDoor;

    /// <summary>The clusters, San Jose first.</summary>
    public IReadOnlyList<TestCluster> Clusters => Ring is null ? [Sj] : [Ring.Sj, Ring.Ny];

    /// <summary>The ways to the clusters, through the doors.</summary>
    public IReadOnlyList<string> Doors => Ring is null
        ? [Sj.At(Door.Port).ToString()]
        : [.. Ring.Doors.Select(door => door.ToString())];

    public static async Task<FaultWorld> CreateAsync(WorldKind kind)
    {
        var directory = new TemporaryDirectory();
        try
        {
            return kind == WorldKind.Ring
                ? new FaultWorld(directory, null, await Ring.StartAsync(directory))
                : new FaultWorld(directory, await TestCluster.StartAloneAsync(directory), null);
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    /// <summary>Everything is as at the beginning again: clusters run, lines are whole.</summary>
    public async Task MendAsync()
    {
        foreach (var cluster in Clusters)
        {
            if (cluster.Server.HasExited)
            {
                await cluster.StartAsync();
            }
        }

        Door.Restore();
        if (Ring is not null)
        {
            Ring.NyDoor.Restore();
            Ring.LinkToNy.Restore();
            Ring.LinkToSj.Restore();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Ring is not null)
        {
            await Ring.DisposeAsync();
        }
        else
        {
            await _alone!.DisposeAsync();
            await _door!.DisposeAsync();
        }

        Directory.Dispose();
    }
}
