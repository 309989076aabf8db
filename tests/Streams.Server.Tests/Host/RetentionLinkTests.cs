using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Streams.Core;
using Streams.Gateways;
using Streams.Testing;

namespace Streams.Server.Tests;

/// <summary>Retention and links between servers: what is held back, and what a receiver that comes too late is told.</summary>
public sealed class RetentionLinkTests
{
    private static readonly StreamPath Fleet = StreamPath.Parse("/fleet");
    private static readonly StreamPartition Partition = new(Fleet, new PartitionId(0));

    [Fact]
    public async Task A_link_that_is_down_holds_back_what_may_go_until_its_time_is_over_and_then_a_gap_is_counted_on_both_sides()
    {
        using TemporaryDirectory directory = new();
        await using RunningHost ny = await RunningHost.StartAsync(RunningHost.OptionsIn(directory, "ny"));
        int port = ny.Host.Link.Port;
        ServerOptions options = RunningHost.OptionsIn(directory) with
        {
            LinksTo = [Peer(Unused(port))],
            LinkHoldTime = TimeSpan.FromHours(1),
        };
        await using (RunningHost held = await RunningHost.StartAsync(options))
        {
            await PutAsync(held);
            await AppendAsync(held.Host.Store, 10);
            await Eventually.TrueAsync(async () => await MetricAsync(held, "streams_retention_held_entries") > 0,
                "entries are held back", TimeSpan.FromSeconds(30));
            Assert.Equal(0, (await LaneAsync(held)).GetProperty("firstOffset").GetInt64());
        }

        options = options with { LinkHoldTime = TimeSpan.Zero };
        await using (RunningHost late = await RunningHost.StartAsync(options))
        {
            await Eventually.TrueAsync(async () => (await LaneAsync(late)).GetProperty("firstOffset").GetInt64() > 0,
                "the time of links is over", TimeSpan.FromSeconds(30));
            Assert.True(await MetricAsync(late, "streams_retention_taken_from_links_total") > 0);
            Assert.Contains("although a link needs them", late.Log.Logs.Text, StringComparison.Ordinal);
        }

        await using RunningHost linked = await RunningHost.StartAsync(options with { LinksTo = [Peer(port)] });
        await Eventually.TrueAsync(async () => Gaps(await linked.GetAsync("/api/v1/links"), "outgoing") > 0
            && Gaps(await ny.GetAsync("/api/v1/links"), "incoming") > 0, "both sides count the gap", TimeSpan.FromSeconds(30));
        Assert.Equal(Gaps(await linked.GetAsync("/api/v1/links"), "outgoing"), Gaps(await ny.GetAsync("/api/v1/links"), "incoming"));
    }

    private static LinkPeer Peer(int port) =>
        LinkPeer.TryParse($"ny=127.0.0.1:{port}", out LinkPeer? peer, out _) ? peer! : throw new InvalidOperationException();

    // Nobody listens there.
    private static int Unused(int other) => other == 1 ? 2 : 1;

    private static long Gaps(JsonElement links, string direction) =>
        links.GetProperty(direction).EnumerateArray().Sum(l => l.GetProperty("gapEntries").GetInt64());

    private static async Task<JsonElement> LaneAsync(RunningHost host) =>
        (await host.GetAsync("/api/v1/lanes?stream=/fleet")).GetProperty("lanes")[0];

    private static async Task<double> MetricAsync(RunningHost host, string name)
    {
        string? line = (await host.TextAsync("/metrics")).Split('\n')
            .FirstOrDefault(l => l.StartsWith(name + " ", StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line[(name.Length + 1)..], CultureInfo.InvariantCulture);
    }

    private static async Task PutAsync(RunningHost host)
    {
        using StringContent content = new("""{"retentionAge":1}""");
        using HttpResponseMessage answer = await host.SendAsync("/api/v1/streams/fleet/settings", HttpMethod.Put, content);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    private static async Task AppendAsync(IEventStore store, int count)
    {
        for (int i = 0; i < count; i++)
        {
            await store.AppendPlainAsync(Partition, new PlainEvent("t"u8.ToArray(), default, default, Encoding.UTF8.GetBytes($"{i}"), i),
                default);
        }
    }
}
