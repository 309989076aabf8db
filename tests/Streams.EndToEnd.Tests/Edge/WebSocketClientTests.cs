namespace Streams.EndToEnd.Tests;

/// <summary>Other makers' clients over WebSocket: paho, since mosquitto's, as Debian has them, do not speak it.</summary>
public sealed class WebSocketClientTests
{
    [Theory]
    [InlineData("5")]
    [InlineData("311")]
    public async Task Paho_publishes_and_subscribes_over_each_way(string version)
    {
        await using var edge = await EdgeServer.StartAsync("optional");

        await EchoesAsync(edge.WsPort, "websockets", version);
        await EchoesAsync(edge.WssPort, "websockets", version, edge.Client("ca"));
        await EchoesAsync(edge.WssPort, "websockets", version, edge.Client("ca", "car"));
        await EchoesAsync(edge.TlsPort, "tcp", version, edge.Client("ca", "car"));
        await EchoesAsync(edge.WsPort, "websockets", version, "--qos", "2");
        await EchoesAsync(edge.TlsPort, "tcp", version, [.. edge.Client("ca", "car"), "--qos", "2"]);
        ServerLines.AssertCalm(edge.Server);
    }

    [Fact]
    public async Task Paho_without_the_certificate_that_is_required_is_not_served()
    {
        await using var edge = await EdgeServer.StartAsync("required");

        var (code, _) = await Paho.EchoAsync(edge.WssPort, "websockets", "5", edge.Client("ca"));

        Assert.NotEqual(0, code);
        await EchoesAsync(edge.WssPort, "websockets", "5", edge.Client("ca", "car"));
        ServerLines.AssertCalm(edge.Server);
    }

    private static async Task EchoesAsync(int port, string transport, string version, params string[] tls)
    {
        var (code, report) = await Paho.EchoAsync(port, transport, version, tls);
        Assert.True(code == 0 && report.Contains("echo 50", StringComparison.Ordinal), report);
    }
}
