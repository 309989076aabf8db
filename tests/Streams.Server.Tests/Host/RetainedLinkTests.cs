using System.Text;
using Streams.Core;
using Streams.Gateways;
using Streams.Testing;

namespace Streams.Server.Tests;

/// <summary>Retained messages go over links: with the entries they stand in, and where those are no longer kept, with the joined
/// state.</summary>
public sealed class RetainedLinkTests
{
    private static readonly StreamPath Fleet = StreamPath.Parse("/fleet");
    private static readonly StreamPartition Partition = new(Fleet, new PartitionId(0));

    [Fact]
    public async Task An_empty_neighbour_gets_those_whose_entries_went_and_passes_them_on()
    {
        using TemporaryDirectory directory = new();
        ServerOptions options = RunningHost.OptionsIn(directory);
        await using (RunningHost alone = await RunningHost.StartAsync(options))
        {
            await PutAsync(alone);
            for (int i = 0; i < 50; i++)
            {
                await RetainAsync(alone, $"car-{i}", $"state {i}", i);
            }

            await RetainAsync(alone, "car-7", "", 100);
            await RetainAsync(alone, "car-8", "newer", 100);
            await Eventually.TrueAsync(() => alone.Host.Store.Lanes(Partition).Single().FirstOffset.Value >= 50,
                "retention took all but the end", TimeSpan.FromSeconds(30), () => alone.Host.Store.Lanes(Partition).Single().ToString());
            Assert.Equal("state 3", await TextAsync(alone, "car-3"));
        }

        await using RunningHost la = await RunningHost.StartAsync(RunningHost.OptionsIn(directory, "la"));
        await using RunningHost ny = await RunningHost.StartAsync(RunningHost.OptionsIn(directory, "ny") with
        {
            LinksTo = [Peer("la", la)],
        });
        await using RunningHost linked = await RunningHost.StartAsync(options with { LinksTo = [Peer("ny", ny)] });
        await RetainAsync(linked, "car-9", "after the gap", 0);
        foreach (RunningHost host in (RunningHost[])[ny, la])
        {
            await Eventually.TrueAsync(async () => await TextAsync(host, "car-9") == "after the gap", "the newest has come",
                TimeSpan.FromSeconds(30));
            await Eventually.TrueAsync(() => host.Host.Store.Retained(Fleet, 0, 100).Heads.Count == 49, "all have come",
                TimeSpan.FromSeconds(30), () => $"{host.Host.Store.Retained(Fleet, 0, 100).Heads.Count}");
            Assert.Equal("state 3", await TextAsync(host, "car-3"));
            Assert.Equal("newer", await TextAsync(host, "car-8"));
            Assert.Null(await TextAsync(host, "car-7"));
            Assert.False(host.Host.Store.RetainedHead(Fleet, "car-7"u8)!.Value.HasMessage);
            foreach (RetainedHead head in linked.Host.Store.Retained(Fleet, 0, 100).Heads)
            {
                Assert.Equal(head, host.Host.Store.RetainedHead(Fleet, head.Topic.Span)!.Value with { Topic = head.Topic });
            }
        }

        // A client that comes to the other cluster, whose clock knows nothing of the first one's.
        await RetainAsync(ny, "car-8", "written at ny", 1);
        Assert.Equal("written at ny", await TextAsync(ny, "car-8"));
        Assert.Equal(101, ny.Host.Store.RetainedHead(Fleet, "car-8"u8)!.Value.TimestampMicroseconds);
        await Eventually.TrueAsync(async () => await TextAsync(la, "car-8") == "written at ny", "la has it too", TimeSpan.FromSeconds(30));
    }

    private static LinkPeer Peer(string name, RunningHost host) =>
        LinkPeer.TryParse($"{name}=127.0.0.1:{host.Host.Link.Port}", out LinkPeer? peer, out _) ? peer!
            : throw new InvalidOperationException();

    private static async Task<string?> TextAsync(RunningHost host, string topic) =>
        await host.Host.Store.RetainedAsync(Fleet, Encoding.UTF8.GetBytes(topic), default) is { } message
            ? Encoding.UTF8.GetString(message.Payload.Span) : null;

    private static async Task RetainAsync(RunningHost host, string topic, string payload, long at) =>
        await host.Host.Store.AppendPlainAsync(Partition, new PlainEvent(Encoding.UTF8.GetBytes(topic), default, default,
            Encoding.UTF8.GetBytes(payload), at, IsRetained: true), default);

    private static async Task PutAsync(RunningHost host)
    {
        using StringContent content = new("""{"retentionAge":1}""");
        using HttpResponseMessage answer = await host.SendAsync("/api/v1/streams/fleet/settings", HttpMethod.Put, content);
        Assert.True(answer.IsSuccessStatusCode);
    }
}
