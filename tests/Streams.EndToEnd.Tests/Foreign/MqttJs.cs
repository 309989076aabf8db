using System.Globalization;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>mqtt.js, the MQTT client of JavaScript programs, as the test script installs it from npm.</summary>
internal static class MqttJs
{
    /// <summary>The exit code of the script when mqtt.js is missing.</summary>
    private const int Missing = 3;

    private const string Mark = "got ";

    private static readonly string Script = Path.Combine(Repository.Root, "tests/Streams.EndToEnd.Tests/Foreign/mqttjs_client.js");

    /// <summary>Publishes messages and waits until they came back; gives what the script said and its exit code.</summary>
    /// <exception cref="ToolMissingException">Node.js or mqtt.js is not installed; the message names the package.</exception>
    public static async Task<(int Code, string Report)> EchoAsync(int port, string version, int qos)
    {
        await using var tool = Start("echo", port, version, $"mqttjs-{version}-{qos}", $"echo/js/{version}/{qos}", qos);
        tool.CloseInput();
        var code = await tool.WaitForExitAsync(TimeSpan.FromSeconds(40));
        return code == Missing ? throw new ToolMissingException("mqtt.js", "npm package mqtt") : (code, tool.Report);
    }

    /// <summary>A listener with a persistent session.</summary>
    public static ForeignTool Listen(int port, string version, string clientId, string filter, int qos)
        => Start("listen", port, version, clientId, filter, qos);

    /// <summary>Waits for SUBACK; gives whether the session was there already.</summary>
    public static async Task<bool> SubscribedAsync(ForeignTool listener)
    {
        var connected = await listener.WaitForLineAsync(line => line.StartsWith("connected", StringComparison.Ordinal), "CONNACK");
        await listener.WaitForLineAsync(line => line.StartsWith("subscribed", StringComparison.Ordinal), "SUBACK");
        return connected.EndsWith("present true", StringComparison.Ordinal);
    }

    /// <summary>The messages that a listener was given so far, in order: topic, space, payload.</summary>
    public static IReadOnlyList<string> Messages(ForeignTool listener) =>
        [.. listener.Lines.Where(line => line.StartsWith(Mark, StringComparison.Ordinal)).Select(line => line[Mark.Length..])];

    private static ForeignTool Start(string verb, int port, string version, string clientId, string filter, int qos) => ForeignTool.Start(
        "node", Script, verb, "--url", $"mqtt://127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}", "--version", version,
        "--id", clientId, "--filter", filter, "--qos", qos.ToString(CultureInfo.InvariantCulture));
}
