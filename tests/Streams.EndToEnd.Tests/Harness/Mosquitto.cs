using System.Globalization;
using System.Text.RegularExpressions;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>The command lines of mosquitto's clients, as people write them.</summary>
internal static partial class Mosquitto
{
    /// <summary>Stands before each message in the output of <see cref="Listen"/>, to part it from the tool's own lines.</summary>
    private const string Mark = "got ";

    /// <summary>A listener with a persistent session: <c>mosquitto_sub -c -q 1 -V 5 -i car-1 -t 'fleet/#'</c>.</summary>
    public static ForeignTool Listen(int port, string version, string clientId, string filter, int qos = 1) => ForeignTool.Start(
        "mosquitto_sub", "-h", "127.0.0.1", "-p", Text(port), "-V", version, "-c", "-q", Text(qos), "-i", clientId, "-t", filter, "-d",
        "-F", Mark + "%t %p");

    /// <summary>A listener without a session that outlives its connection.</summary>
    public static ForeignTool ListenOnce(int port, string filter) => ForeignTool.Start(
        "mosquitto_sub", "-h", "127.0.0.1", "-p", Text(port), "-V", "5", "-q", "1", "-t", filter, "-d", "-F", Mark + "%t %p");

    /// <summary>A publisher that sends each line of its input with QoS 1 or 2 and says which was acknowledged.</summary>
    public static ForeignTool PublishLines(int port, string topic, int qos = 1) => ForeignTool.Start(
        "mosquitto_pub", "-h", "127.0.0.1", "-p", Text(port), "-V", "5", "-q", Text(qos), "-t", topic, "-l", "-d");

    /// <summary>Publishes messages one after another in one process and waits until all are acknowledged.</summary>
    public static async Task PublishAsync(int port, string topic, IEnumerable<string> messages, int qos = 1)
    {
        await using var tool = PublishLines(port, topic, qos);
        var count = 0;
        foreach (var message in messages)
        {
            await tool.WriteLineAsync(message);
            count++;
        }

        await Eventually.TrueAsync(
            () => Acknowledged(tool) >= count, $"{count} messages on {topic} are acknowledged", seen: () => tool.Report);
        tool.CloseInput();
        await tool.WaitForExitAsync();
    }

    public static Task SubscribedAsync(ForeignTool listener)
        => listener.WaitForLineAsync(line => line.StartsWith("Subscribed (", StringComparison.Ordinal), "SUBACK");

    /// <summary>The messages that a listener was given so far, in order: topic, space, payload.</summary>
    public static IReadOnlyList<string> Messages(ForeignTool listener) =>
        [.. listener.Lines.Where(line => line.StartsWith(Mark, StringComparison.Ordinal)).Select(line => line[Mark.Length..])];

    /// <summary>How many messages of a publisher were acknowledged; it numbers them from 1 in the order of its input.</summary>
    public static int Acknowledged(ForeignTool publisher) => AcknowledgedNumbers(publisher).Count;

    /// <summary>The numbers of the messages that were acknowledged as taken.</summary>
    public static IReadOnlySet<int> AcknowledgedNumbers(ForeignTool publisher) => publisher.Lines
        .Select(line => PubackLine().Match(line))
        .Where(match => match.Success && int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture) < 0x80)
        .Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture))
        .ToHashSet();

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"received PUB(?:ACK|COMP) \(Mid: (\d+), RC:(\d+)\)")]
    private static partial Regex PubackLine();
}
