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
