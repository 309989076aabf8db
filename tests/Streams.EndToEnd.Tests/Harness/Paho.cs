using System.Globalization;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>Python's MQTT client paho, which speaks WebSocket and TLS: an echo of messages through the server.</summary>
internal static class Paho
{
    /// <summary>Debian's own interpreter, for which its packages are; another one may stand before it on the path.</summary>
    private const string Python = "/usr/bin/python3";

    /// <summary>The exit code of the script when paho is missing.</summary>
    private const int Missing = 3;

    private static readonly string Script = Path.Combine(Repository.Root, "tests/Streams.EndToEnd.Tests/Edge/paho_echo.py");

    /// <summary>Publishes messages and waits until they came back; gives what the script said and its exit code.</summary>
    /// <exception cref="ToolMissingException">Python or paho is not installed; the message names the package.</exception>
    public static async Task<(int Code, string Report)> EchoAsync(int port, string transport, string version, params string[] more)
    {
        await using var tool = ForeignTool.Start(Python, [Script, "--port", port.ToString(CultureInfo.InvariantCulture),
            "--transport", transport, "--version", version, .. more]);
        tool.CloseInput();
        var code = await tool.WaitForExitAsync(TimeSpan.FromSeconds(40));
        return code == Missing ? throw new ToolMissingException("paho", "python3-paho-mqtt") : (code, tool.Report);
    }
}
