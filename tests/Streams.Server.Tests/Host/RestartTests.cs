using System.Diagnostics;
using System.Text.Json;
using Streams.Core;
using Streams.Testing;

namespace Streams.Server.Tests;

public sealed class RestartTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_restart_goes_on_at_the_next_offset_of_the_same_lane()
    {
        (Origin origin, _) = await RunAsync(firstSequence: 1, expectedOffset: 0);

        (Origin again, string reason) = await RunAsync(firstSequence: 4, expectedOffset: 3);

        Assert.Equal((origin, "plainRestart"), (again, reason));
    }

    [Fact]
    public async Task A_declared_restore_opens_a_new_lane()
    {
        (Origin origin, _) = await RunAsync(firstSequence: 1, expectedOffset: 0);

        (Origin again, string reason) = await RunAsync(firstSequence: 4, expectedOffset: 0, o => o with { Restore = true });

        Assert.Equal("restoreDeclared", reason);
        Assert.True(origin.IsClosedBy(again));
    }

    [Fact]
    public async Task A_strict_cluster_opens_a_new_lane_at_every_start()
    {
        (Origin origin, _) = await RunAsync(firstSequence: 1, expectedOffset: 0);

        (Origin again, string reason) = await RunAsync(
            firstSequence: 4, expectedOffset: 0, o => o with { Incarnation = Cluster.IncarnationPolicy.Always });

        Assert.Equal("policyAlways", reason);
        Assert.True(origin.IsClosedBy(again));
    }

    [Fact]
    public async Task A_copy_taken_while_it_ran_and_put_back_is_found_by_the_witness()
    {
        ServerOptions options = RunningHost.OptionsIn(_directory);
        Origin origin;
        await using (RunningHost server = await RunningHost.StartAsync(options))
        {
            origin = server.Host.Store.Origin;
            await Fleet.ProduceAsync(server.Host.Store, 1, 3);
            Copy(options.DataDirectory, _directory.Combine("backup"));
            await Fleet.ProduceAsync(server.Host.Store, 4, 3);
        }

        Copy(_directory.Combine("backup") + "/.", options.DataDirectory);
        (Origin again, string reason) = await RunAsync(firstSequence: 7, expectedOffset: 0);

        Assert.Equal("entriesMissing", reason);
        Assert.True(origin.IsClosedBy(again));
    }

    [Fact]
    public async Task A_lost_log_is_found_without_the_witness()
    {
        (Origin origin, _) = await RunAsync(firstSequence: 1, expectedOffset: 0);
        Directory.Delete(_directory.Combine("sj", "c0"), recursive: true);
        File.Delete(_directory.Combine("sj.witness"));

        (Origin again, string reason) = await RunAsync(firstSequence: 4, expectedOffset: 0);

        Assert.Equal("storeBehindCatalog", reason);
        Assert.True(origin.IsClosedBy(again));
    }

    [Fact]
    public async Task What_a_neighbour_holds_more_is_found_before_the_first_event_and_taken_back()
    {
        using TemporaryDirectory elsewhere = new();
        await using RunningHost ny = await RunningHost.StartAsync(RunningHost.OptionsIn(elsewhere, "ny"));
        LinkPeer toNy = new(ClusterName.Parse("ny"), "127.0.0.1", ny.Host.Link.Port);
        ServerOptions options = RunningHost.OptionsIn(_directory) with { LinksTo = [toNy] };
        Origin origin;
        await using (RunningHost server = await RunningHost.StartAsync(options))
        {
            origin = server.Host.Store.Origin;
            await Fleet.ProduceAsync(server.Host.Store, 1, 3);
            Copy(options.DataDirectory, _directory.Combine("backup"));
            await Fleet.ProduceAsync(server.Host.Store, 4, 3);
            await Eventually.EqualAsync(6L, () => Fleet.NextOffset(ny, origin), "ny holds the lane");
        }

        Copy(_directory.Combine("backup") + "/.", options.DataDirectory);
        File.Delete(_directory.Combine("sj.witness"));
        await using RunningHost again = await RunningHost.StartAsync(options);

        Assert.Equal("neighbourHoldsMore", await ReasonAsync(again));
        Assert.True(origin.IsClosedBy(again.Host.Store.Origin));
        await Eventually.EqualAsync(6L, () => Fleet.NextOffset(again, origin), "the lane was taken back");
    }

    private async Task<(Origin Origin, string Reason)> RunAsync(
        long firstSequence, long expectedOffset, Func<ServerOptions, ServerOptions>? with = null)
    {
        ServerOptions options = RunningHost.OptionsIn(_directory);
        await using RunningHost server = await RunningHost.StartAsync(with is null ? options : with(options));
        Assert.Equal(expectedOffset, await Fleet.ProduceAsync(server.Host.Store, firstSequence, 3));
        return (server.Host.Store.Origin, await ReasonAsync(server));
    }

    private static async Task<string> ReasonAsync(RunningHost server)
    {
        JsonElement status = await server.GetAsync("/api/v1/status");
        return status.GetProperty("incarnation").GetProperty("reason").GetString()!;
    }

    private static void Copy(string from, string to)
    {
        using Process copy = Process.Start("cp", ["-a", from, to]);
        copy.WaitForExit();
        Assert.Equal(0, copy.ExitCode);
    }
}
