using System.Globalization;

namespace Streams.Client;

/// <summary>Understands MQTT's Server Reference: one server or several, parted by spaces, each by cluster name, by <c>HOST:PORT</c>, by
/// host alone, or as the URL of an endpoint.</summary>
/// <remarks>Pure. Gives nothing but members of the client's own list: whoever answers could else send the client anywhere.</remarks>
internal static class ServerReference
{
    private const int MostServers = 64;

    /// <summary>The place in the list of the first server named that stands there; -1 when none does.</summary>
    public static int Find(string? reference, IReadOnlyList<ClusterEndpoint> clusters)
    {
        foreach (string server in reference?.Split(' ', MostServers, StringSplitOptions.RemoveEmptyEntries) ?? [])
        {
            int exact = -1;
            int host = -1;
            for (int i = clusters.Count - 1; i >= 0; i--)
            {
                ClusterEndpoint cluster = clusters[i];
                exact = server == cluster.Name.Value || server == cluster.Address || IsAt(server, cluster) ? i : exact;
                host = server.Trim('[', ']').Equals(cluster.Host, StringComparison.OrdinalIgnoreCase) ? i : host;
            }

            if (exact >= 0 || host >= 0)
            {
                return exact >= 0 ? exact : host;
            }
        }

        return -1;
    }

    private static bool IsAt(string server, ClusterEndpoint cluster)
    {
        int colon = server.LastIndexOf(':');
        return colon > 0 && server[..colon].Trim('[', ']').Equals(cluster.Host, StringComparison.OrdinalIgnoreCase)
            && int.TryParse(server.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port)
            && port == cluster.Port;
    }
}
