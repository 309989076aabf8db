using System.Text;
using System.Threading.Channels;
using Streams.Client;
using Streams.Core;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.EdgeAgent.Tests;

/// <summary>Agents behind agents: machine, line, plant, and a real cluster above them.</summary>
public sealed class ChainTests(SharedCluster shared) : IClassFixture<SharedCluster>
{
    private string Cluster => $"sj=127.0.0.1:{shared.Server.Options.MqttPort}";

    [Fact]
    public async Task Through_a_chain_of_three_events_go_up_once_and_orders_come_down_though_the_middle_one_is_killed_again_and_again()
    {
        await using ChainScene scene = new();
        await scene.StartAsync("plant", Cluster);
        await scene.RunAsync("line", scene.At("plant"));
        await scene.StartAsync("machine", scene.At("line"));
        await using MqttClientConnection office = (await AgentScene.ConnectAsync(shared.Server.Options.MqttPort, "office")).Device;
        (MqttClientConnection press, ChannelReader<string> given) = await AgentScene.ConnectAsync(scene.PortOf("machine"), "press-1");
        await AgentScene.SubscribeAsync(press, $"{scene.Orders}/#");
        StreamsClient robot = await scene.DeviceAsync("robot", scene.At("machine"));
        ProducerId producer = default;
        for (int life = 0; life < 2; life++)
        {
            for (int i = life * 40; i < (life * 40) + 40; i++)
            {
                Assert.Equal(MqttReasonCode.Success, await AgentScene.PublishAsync(press, $"{scene.Plant}/press-1/count", $"{i:d4}"));
                PublishReceipt receipt = await robot.PublishAsync(StreamPath.Parse("/" + scene.Plant), TopicName.Parse("robot/count"),
                    Encoding.UTF8.GetBytes($"r{i:d4}"));
                producer = receipt.Identity.Producer;
            }

            await AgentScene.PublishAsync(office, $"{scene.Orders}/press-1", $"order {life}");
            await scene.KillAsync("line");
            await scene.RunAsync("line", scene.At("plant"));
            Assert.Equal($"{scene.Orders}/press-1: order {life}", await AgentScene.NextAsync(given));
        }

        List<ReceivedEvent> events = await scene.ReadAsync(Cluster, scene.Plant, 160);
        Assert.Equal(160, events.Count);
        Assert.Equal(Enumerable.Range(0, 80).Select(i => $"{i:d4}"), events.Select(ChainScene.Text).Where(p => p[0] != 'r'));
        List<ReceivedEvent> ofRobot = [.. events.Where(e => ChainScene.Text(e)[0] == 'r')];
        Assert.Equal(Enumerable.Range(0, 80).Select(i => $"r{i:d4}"), ofRobot.Select(ChainScene.Text));
        Assert.All(ofRobot, e => Assert.Equal(producer, e.Identity.Producer));
        await Eventually.TrueAsync(async () => (await scene.GetAsync("machine", "/api/v1/status"))
            .Contains("\"path\":\"machine line plant sj\"", StringComparison.Ordinal), "the path is told again after the last kill");
        await press.DisposeAsync();
    }

    [Fact]
    public async Task A_device_that_moves_from_an_agent_to_another_and_to_the_cluster_has_each_event_there_once()
    {
        await using ChainScene scene = new();
        await scene.StartAsync("plant", Cluster);
        await scene.StartAsync("line", scene.At("plant"));
        await using CuttingProxy cut = CuttingProxy.Start(scene.PortOf("line"));
        StreamsClient car = await scene.DeviceAsync("car", $"line=127.0.0.1:{cut.Port}", scene.At("plant"), Cluster);
        StreamPath stream = StreamPath.Parse("/" + scene.Plant);
        for (int i = 0; i < 300; i++)
        {
            await car.PublishAsync(stream, TopicName.Parse("car/count"), Encoding.UTF8.GetBytes($"{i:d4}"));
            if (i == 99)
            {
                await Eventually.EqualAsync(0L, () => scene.Host("line").Clusters!.Waiting, "the first agent has passed on what it has");
            }

            if (i == 100)
            {
                await cut.CutAsync();                  // what was under way is answered by nobody
            }

            if (i == 200)
            {
                await Eventually.EqualAsync(0L, () => car.OutboxEvents, "the next one has them");
                await Eventually.EqualAsync(0L, () => scene.Host("line").Clusters!.Waiting, "and what the first one had");
                await scene.StopAsync("plant");
            }
        }

        await Eventually.EqualAsync(0L, () => car.OutboxEvents, "the cluster has the rest");
        await scene.StartAsync("plant", Cluster);
        Assert.Equal(Enumerable.Range(0, 300).Select(i => $"{i:d4}"),
            (await scene.ReadAsync(Cluster, scene.Plant, 300)).Select(ChainScene.Text).Order());
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Agents_that_are_uplinks_of_each_other_send_nothing_round_and_health_names_the_ring(int agents)
    {
        await using ChainScene scene = new();
        string[] names = [.. Enumerable.Range(0, agents).Select(i => $"a{i}")];
        for (int i = 0; i < agents; i++)
        {
            await scene.StartAsync(names[i], scene.At(names[(i + 1) % agents]));
        }

        for (int i = 0; i < agents; i++)
        {
            (MqttClientConnection device, _) = await AgentScene.ConnectAsync(scene.PortOf(names[i]), $"device-{i}");
            StreamsClient robot = await scene.DeviceAsync($"robot-{i}", scene.At(names[i]));
            for (int n = 0; n < 20; n++)
            {
                await AgentScene.PublishAsync(device, $"{scene.Plant}/d{i}", $"{i}:{n}");
                await robot.PublishAsync(StreamPath.Parse("/" + scene.Plant), TopicName.Parse($"r{i}"),
                    Encoding.UTF8.GetBytes($"r{i}:{n}"));
            }

            await device.DisposeAsync();
        }

        await Eventually.TrueAsync(async () => (await HealthAsync()).Any(h => h.Contains("\"loop\"", StringComparison.Ordinal)),
            "the ring is told of");
        string told = (await HealthAsync()).First(h => h.Contains("\"loop\"", StringComparison.Ordinal));
        Assert.Contains("\"status\":\"ready\"", told, StringComparison.Ordinal);
        Assert.Contains("mend clusters.to", told, StringComparison.Ordinal);
        Assert.All(names, n => Assert.Contains(n, told, StringComparison.Ordinal));
        await Eventually.TrueAsync(() => names.Count(n => scene.Host(n).Path.Loop is not null) is > 0 and var looped
            && names.Where(n => scene.Host(n).Path.Loop is null).All(n => scene.Host(n).Clusters!.Waiting == 0), "the others have sent");
        foreach (string name in names)
        {
            Dictionary<string, int> times = [];
            foreach (string payload in Payloads(scene.Host(name).Store))
            {
                times[payload] = times.GetValueOrDefault(payload) + 1;
            }

            Assert.DoesNotContain(times, t => t.Value > 1);
        }

        async Task<string[]> HealthAsync() => await Task.WhenAll(names.Select(n => scene.GetAsync(n, "/health")));
    }

    [Fact]
    public async Task A_ring_that_is_mended_sends_all_that_it_held()
    {
        await using ChainScene scene = new();
        await scene.StartAsync("a0", scene.At("a1"));
        await scene.StartAsync("a1", scene.At("a0"));
        for (int i = 0; i < 2; i++)
        {
            (MqttClientConnection device, _) = await AgentScene.ConnectAsync(scene.PortOf($"a{i}"), $"device-{i}");
            for (int n = 0; n < 20; n++)
            {
                await AgentScene.PublishAsync(device, $"{scene.Plant}/d{i}", $"{i}:{n}");
            }

            await device.DisposeAsync();
        }

        await Eventually.TrueAsync(() => scene.Host("a0").Path.Loop is not null || scene.Host("a1").Path.Loop is not null, "it is seen");
        string looped = scene.Host("a0").Path.Loop is not null ? "a0" : "a1";
        await scene.StopAsync(looped);
        await scene.StartAsync(looped, Cluster);
        List<ReceivedEvent> events = await scene.ReadAsync(Cluster, scene.Plant, 40);
        Assert.Equal(40, events.Count);
        Assert.Equal(40, events.Select(ChainScene.Text).Distinct().Count());
        await Eventually.TrueAsync(() => scene.Host("a0").Path.Loop is null && scene.Host("a1").Path.Loop is null, "no ring is told of");
    }

    private static List<string> Payloads(LocalStore store)
    {
        List<string> payloads = [];
        foreach (LaneRow lane in store.LaneRows.Where(l => !l.Lane.Partition.Stream.IsSystem))
        {
            for (long next = lane.FirstOffset; next < lane.NextOffset;)
            {
                using LaneSlice slice = store.Read(lane.Lane, new Offset(next), 1 << 20);
                foreach (LaneEntry entry in slice.Entries)
                {
                    foreach (EventView view in EventBatch.Parse(entry.Body).Events)
                    {
                        payloads.Add(Encoding.UTF8.GetString(view.Payload.Span));
                    }
                }

                next = slice.Entries.Count == 0 ? lane.NextOffset : slice.Entries[^1].NextOffset.Value;
            }
        }

        return payloads;
    }
}
