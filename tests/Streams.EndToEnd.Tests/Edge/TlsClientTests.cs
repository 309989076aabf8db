using System.Globalization;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>Other makers' clients over TLS: mosquitto's, with the options of its manual.</summary>
public sealed class TlsClientTests
{
    private const string Topic = "fleet/car-17/telemetry";

    [Theory]
    [InlineData("5")]
    [InlineData("311")]
    public async Task Mosquitto_publishes_and_subscribes_over_TLS(string version)
    {
        await using var edge = await EdgeServer.StartAsync();
        await using var listener = Listen(edge, version, edge.Client("ca"));
        await Mosquitto.SubscribedAsync(listener);

        await PublishAsync(edge, version, "one", edge.Client("ca"));
        await PublishAsync(edge, version, "two", [.. edge.Client("ca"), "--tls-version", "tlsv1.2"]);
        await PublishAsync(edge, version, "three", [.. edge.Client("ca"), "--tls-alpn", "mqtt"]);

        await GivenAsync(listener, "one", "two", "three");
        ServerLines.AssertCalm(edge.Server);
    }

    [Fact]
    public async Task Mosquitto_that_does_not_trust_the_authority_does_not_publish()
    {
        await using var edge = await EdgeServer.StartAsync();

        await RefusedAsync(edge, edge.Client("strange-ca"));

        await PublishAsync(edge, "5", "still here", edge.Client("ca"));
        ServerLines.AssertCalm(edge.Server);
    }

    [Fact]
    public async Task Where_certificates_are_required_mosquitto_is_served_only_with_a_good_one()
    {
        await using var edge = await EdgeServer.StartAsync("required");
        await using var listener = Listen(edge, "5", edge.Client("ca", "car"));
        await Mosquitto.SubscribedAsync(listener);

        await RefusedAsync(edge, edge.Client("ca"));
        await RefusedAsync(edge, edge.Client("ca", "strange-car"));

        await PublishAsync(edge, "5", "good", edge.Client("ca", "car"));
        await GivenAsync(listener, "good");
        ServerLines.AssertCalm(edge.Server);
    }

    [Fact]
    public async Task A_renewed_certificate_is_taken_without_a_restart_and_without_a_break()
    {
        await using var edge = await EdgeServer.StartAsync();
        await using var listener = Listen(edge, "5", edge.Client("ca"));
        await Mosquitto.SubscribedAsync(listener);

        edge.Renew("CN=renewed");
        await edge.Server.WaitForLineAsync(line => line.Contains("CN=renewed", StringComparison.Ordinal), "the new certificate is taken");

        await PublishAsync(edge, "5", "after", edge.Client("ca"));
        await GivenAsync(listener, "after");
    }

    private static ForeignTool Listen(EdgeServer edge, string version, string[] tls) => ForeignTool.Start("mosquitto_sub",
        ["-h", "127.0.0.1", "-p", Port(edge), "-V", version, "-q", "1", "-t", "fleet/#", "-d", "-F", "got %t %p", .. tls]);

    private static Task PublishAsync(EdgeServer edge, string version, string message, string[] tls) => ForeignTool.RunAsync("mosquitto_pub",
        ["-h", "127.0.0.1", "-p", Port(edge), "-V", version, "-q", "1", "-t", Topic, "-m", message, .. tls]);

    private static async Task RefusedAsync(EdgeServer edge, string[] tls)
    {
        await using var tool = ForeignTool.Start("mosquitto_pub",
            ["-h", "127.0.0.1", "-p", Port(edge), "-V", "5", "-q", "1", "-t", Topic, "-m", "not taken", .. tls]);

        // Where the end comes after the handshake, as in TLS 1.3, mosquitto_pub tries again for ever.
        await Eventually.TrueAsync(
            () => tool.HasExited || tool.Lines.Any(line => line.Contains("rror", StringComparison.Ordinal)), "it is refused",
            seen: () => tool.Report);
        Assert.NotEqual(0, tool.ExitCode);
    }

    private static Task GivenAsync(ForeignTool listener, params string[] messages) => Eventually.EqualAsync(
        messages.Select(message => $"{Topic} {message}").ToArray(), () => Mosquitto.Messages(listener).ToArray(), "the messages are given");

    private static string Port(EdgeServer edge) => edge.TlsPort.ToString(CultureInfo.InvariantCulture);
}
