using System.Text.Json;
using Streams.Core;
using Streams.Testing;

namespace Streams.Server.Tests;

public sealed class LinkedServersTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task What_one_takes_the_other_holds_with_the_same_digest_and_the_link_says_level()
    {
        await using RunningHost ny = await RunningHost.StartAsync(RunningHost.OptionsIn(_directory, "ny"));
        ServerOptions options = RunningHost.OptionsIn(_directory);
        options = options with { LinksTo = [new LinkPeer(ClusterName.Parse("ny"), "127.0.0.1", ny.Host.Link.Port)] };
        await using RunningHost sj = await RunningHost.StartAsync(options);
        Origin origin = sj.Host.Store.Origin;

        await Fleet.ProduceAsync(sj.Host.Store, 1, 200);
        await Fleet.ProduceAsync(sj.Host.Store, 201, 100);
        await Eventually.EqualAsync(300L, () => Fleet.NextOffset(ny, origin), "ny holds the lane");

        string digest = $"/api/v1/lanes/digest?stream=/fleet&partition=0&origin={origin}";
        Assert.Equal((await sj.GetAsync(digest)).GetRawText(), (await ny.GetAsync(digest)).GetRawText());
        await Eventually.TrueAsync(async () => Level(await sj.GetAsync("/api/v1/links"), "outgoing", "ny"), "sj's link is level");
        await Eventually.TrueAsync(async () => Level(await ny.GetAsync("/api/v1/links"), "incoming", "sj"), "ny's link is level");
        Assert.Contains("streams_lane_events{lanes=\"foreign\"} 300", (await ny.TextAsync("/metrics")).Split('\n'));
    }

    private static bool Level(JsonElement links, string direction, string name)
    {
        JsonElement link = links.GetProperty(direction).EnumerateArray().SingleOrDefault(l => l.GetProperty("name").GetString() == name);
        return link.ValueKind == JsonValueKind.Object && link.GetProperty("state").GetString() == "level"
            && link.GetProperty("lagEvents").GetInt64() == 0;
    }
}
