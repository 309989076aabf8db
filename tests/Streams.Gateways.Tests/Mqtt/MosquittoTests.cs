using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Streams.Testing;

namespace Streams.Gateways.Tests;

/// <summary>Clients that others wrote, over TCP: what they publish and are given.</summary>
public sealed class MosquittoTests
{
    [Theory]
    [InlineData("5", "1")]
    [InlineData("311", "1")]
    [InlineData("5", "2")]
    [InlineData("311", "2")]
    public async Task Mosquittos_clients_publish_subscribe_and_come_back_to_their_session(string version, string qos)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        await using WebApplication host = Host(scene.Gateway, out Func<int> port);
        await host.StartAsync();
        string[] common = ["-V", version == "5" ? "mqttv5" : "mqttv311", "-h", "127.0.0.1", "-p", $"{port()}"];
        string[] session = [.. common, "-i", "reader", "-c", .. version == "5" ? ["-x", "3600"]
            : (string[])[], "-q", qos, "-t", "fleet/#", "-v"];
        await using (ForeignTool reader = ForeignTool.Start("mosquitto_sub", [.. session, "-C", "2"]))
        {
            await Eventually.EqualAsync(1, () => scene.Gateway.Status.Subscriptions, "the reader has subscribed");
            await PublishAsync("one");
            await PublishAsync("two");
            await reader.WaitForExitAsync();
            Assert.Equal(["fleet/car-17 one", "fleet/car-17 two"], reader.Lines);
        }

        await PublishAsync("three");
        Assert.Equal(["fleet/car-17 three"], await ForeignTool.RunAsync("mosquitto_sub", [.. session, "-C", "1"]));
        await host.StopAsync();

        Task PublishAsync(string text) => ForeignTool.RunAsync("mosquitto_pub", [.. common, "-q", qos, "-t", "fleet/car-17", "-m", text]);
    }

    // One of two members stops, as a machine that hangs does: it takes what it can get and acknowledges nothing. Then it is killed.
    [Fact]
    public async Task Of_two_members_of_a_group_the_one_that_stays_gets_what_the_other_was_given_and_did_not_acknowledge()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        await using WebApplication host = Host(scene.Gateway, out Func<int> port);
        await host.StartAsync();
        string[] common = ["-V", "mqttv5", "-h", "127.0.0.1", "-p", $"{port()}", "-q", "1"];
        string[] member = [.. common, "-t", "$share/workers/fleet/#", "-F", "%p"];
        await using ForeignTool lost = ForeignTool.Start("mosquitto_sub", [.. member, "-i", "lost"]);
        await using ForeignTool stays = ForeignTool.Start("mosquitto_sub", [.. member, "-i", "stays"]);
        await Eventually.EqualAsync(2, () => scene.Gateway.Status.Subscriptions, "both have subscribed");
        await PublishAsync(1, 20);
        await Eventually.EqualAsync(20, () => lost.Lines.Count + stays.Lines.Count, "all are received");
        Assert.Equal(10, lost.Lines.Count);

        await ForeignTool.RunAsync("kill", ["-STOP", $"{lost.Id}"]);
        await PublishAsync(21, 100);
        // The one that stopped holds as many as mosquitto takes, 20, and the other has gone on with the rest.
        await Eventually.EqualAsync(10 + 60, () => stays.Lines.Count, "the one that stays is given all but a window");
        await lost.KillAsync();
        await Eventually.EqualAsync(10 + 80, () => stays.Lines.Count, "what the other one held is given to the one that stays");
        Assert.Equal(Enumerable.Range(1, 100).Select(static i => $"{i}").Order(), lost.Lines.Concat(stays.Lines).Order());
        await host.StopAsync();

        async Task PublishAsync(int first, int last)
        {
            await using ForeignTool writer = ForeignTool.Start("mosquitto_pub", [.. common, "-t", "fleet/car-17", "-l"]);
            for (int i = first; i <= last; i++)
            {
                await writer.WriteLineAsync($"{i}");
            }

            writer.CloseInput();
            Assert.Equal(0, await writer.WaitForExitAsync());
        }
    }

    private static WebApplication Host(MqttGateway gateway, out Func<int> port)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(gateway);
        int bound = 0;
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            bound = FreePort.Next();
            kestrel.ListenLocalhost(bound, listen => listen.UseConnectionHandler<MqttConnectionHandler>());
        });
        port = () => bound;
        return builder.Build();
    }
}
