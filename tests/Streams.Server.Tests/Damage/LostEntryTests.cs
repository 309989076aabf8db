using System.Net;
using System.Text;
using System.Text.Json;
using Streams.Core;
using Streams.Testing;

namespace Streams.Server.Tests;

/// <summary>A story on real files and links: the origin's disk loses an entry that no neighbour has. The lane goes on without it, says so,
/// and has it again when the one comes that has it.</summary>
public sealed class LostEntryTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_lane_with_a_lost_entry_goes_on_and_is_whole_again_when_somebody_has_it(bool byOperator)
    {
        ServerOptions sjOptions = RunningHost.OptionsIn(_directory);
        ServerOptions txOptions = RunningHost.OptionsIn(_directory, "tx");
        Origin origin;
        await using (RunningHost tx = await RunningHost.StartAsync(txOptions))
        await using (RunningHost sj = await RunningHost.StartAsync(sjOptions with { LinksTo = [To(tx, "tx")] }))
        {
            origin = sj.Host.Store.Origin;
            for (int batch = 0; batch < 10; batch++)
            {
                await Fleet.ProduceAsync(sj.Host.Store, 1 + (batch * 10), 10);
            }

            await Eventually.EqualAsync(100L, () => Fleet.NextOffset(tx, origin), "tx holds the lane");
        }

        Damage(_directory.Combine("sj"), "event 45");
        await using RunningHost ny = await RunningHost.StartAsync(
            RunningHost.OptionsIn(_directory, "ny") with { DamagePatience = TimeSpan.FromHours(1) }, expectsErrors: true);
        TimeSpan patience = byOperator ? TimeSpan.FromHours(1) : TimeSpan.FromSeconds(1);
        await using RunningHost damaged = await RunningHost.StartAsync(
            sjOptions with { LinksTo = [To(ny, "ny")], DamagePatience = patience }, expectsErrors: true);
        string url = $"/api/v1/lanes/damage?stream=/fleet&partition=0&origin={origin}";
        if (byOperator)
        {
            Assert.Equal([false], (await damaged.GetAsync(url)).GetProperty("damage").EnumerateArray().Select(Lost));
            Assert.Contains("streams_damaged_entries 1", (await damaged.TextAsync("/metrics")).Split('\n'));
            using HttpResponseMessage answer = await damaged.SendAsync(url, HttpMethod.Post);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        await Eventually.EqualAsync(100L, () => Fleet.NextOffset(ny, origin), "the lane goes on at ny");
        Assert.Equal([true], (await damaged.GetAsync(url)).GetProperty("damage").EnumerateArray().Select(Lost));
        Assert.Contains("streams_lost_entries 1", (await damaged.TextAsync("/metrics")).Split('\n'));
        JsonElement lane = (await ny.GetAsync("/api/v1/lanes?stream=/fleet")).GetProperty("lanes").EnumerateArray()
            .Single(l => l.GetProperty("origin").GetString() == origin.ToString());
        Assert.False(Lost(lane.GetProperty("damage").EnumerateArray().Single()));

        await using RunningHost whole = await RunningHost.StartAsync(txOptions with { LinksTo = [To(ny, "ny")] });
        await Eventually.TrueAsync(async () => (await ny.GetAsync(url)).GetProperty("damage").GetArrayLength() == 0, "ny is whole again",
            limit: TimeSpan.FromSeconds(30));
        string digest = $"/api/v1/lanes/digest?stream=/fleet&partition=0&origin={origin}";
        JsonElement expected = await whole.GetAsync(digest);
        Assert.Equal(100, expected.GetProperty("count").GetInt64());
        Assert.Equal(expected.GetRawText(), (await ny.GetAsync(digest)).GetRawText());
    }

    private static bool Lost(JsonElement range) => range.GetProperty("lost").GetBoolean();

    private static LinkPeer To(RunningHost target, string name) => new(ClusterName.Parse(name), "127.0.0.1", target.Host.Link.Port);

    private static void Damage(string data, string text)
    {
        foreach (string segment in Directory.GetFiles(data, "*.seg", SearchOption.AllDirectories))
        {
            byte[] bytes = File.ReadAllBytes(segment);
            int at = bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text));
            if (at >= 0)
            {
                bytes[at] ^= 1;
                File.WriteAllBytes(segment, bytes);
                return;
            }
        }

        throw new InvalidOperationException($"'{text}' stands nowhere in {data}");
    }
}
