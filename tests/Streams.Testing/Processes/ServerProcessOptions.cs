using System.Globalization;

namespace Streams.Testing;

/// <summary>A cluster a server replicates to: its name and where its link port is.</summary>
public sealed record ServerLink(string Cluster, string Host, int Port);

/// <summary>How a <see cref="ServerProcess"/> is started. All its ports are on 127.0.0.1.</summary>
public sealed record ServerProcessOptions
{
    public required string ClusterName { get; init; }

    public required string DataDirectory { get; init; }

    public int MqttPort { get; init; } = FreePort.Next();

    public int HttpPort { get; init; } = FreePort.Next();

    public int LinkPort { get; init; } = FreePort.Next();

    /// <summary>The clusters to replicate to; a test that cuts the line names the port of its proxy here.</summary>
    public IReadOnlyList<ServerLink> LinksTo { get; init; } = [];

    /// <summary>Put behind all other arguments.</summary>
    public IReadOnlyList<string> ExtraArguments { get; init; } = [];

    /// <summary>Environment of the server, on top of the test's own; null removes a variable.</summary>
    public IReadOnlyDictionary<string, string?>? Environment { get; init; }

    /// <summary>
    /// A command the server is started under, for example <c>strace -D -f -o FILE</c>. It must turn into the server under the same
    /// process id (which is what -D is for), or signals go to the wrapper.
    /// </summary>
    public IReadOnlyList<string> RunUnder { get; init; } = [];

    /// <summary>The server's arguments in the order a person would write them.</summary>
    public IReadOnlyList<string> ToArguments()
    {
        List<string> arguments =
        [
            "--cluster", ClusterName,
            "--data", DataDirectory,
            "--mqtt", Loopback(MqttPort),
            "--http", Loopback(HttpPort),
            "--link", Loopback(LinkPort),
        ];
        foreach (var link in LinksTo)
        {
            arguments.Add("--link-to");
            arguments.Add(string.Create(CultureInfo.InvariantCulture, $"{link.Cluster}={link.Host}:{link.Port}"));
        }

        arguments.AddRange(ExtraArguments);
        return arguments;
    }

    private static string Loopback(int port) => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");
}
