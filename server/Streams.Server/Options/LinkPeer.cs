using System.Globalization;
using Streams.Core;
using Streams.Gateways;

namespace Streams.Server;

/// <summary>A cluster to replicate to: <c>ny=ny.example.net:7070</c>.</summary>
/// <param name="Cluster">Its name.</param>
/// <param name="Host">A host name or IP address.</param>
/// <param name="Port">Its link port, 1 to 65535.</param>
public sealed record LinkPeer(ClusterName Cluster, string Host, int Port)
{
    /// <summary>Reads the text form; <paramref name="fault"/> says what is wrong and what would be right.</summary>
    public static bool TryParse(string? text, out LinkPeer? peer, out string? fault)
    {
        peer = null;
        int equals = text?.IndexOf('=', StringComparison.Ordinal) ?? -1;
        if (equals <= 0)
        {
            fault = "must be NAME=HOST:PORT";
            return false;
        }

        if (!ClusterName.TryParse(text![..equals], out ClusterName cluster, out fault)
            || !HostAndPort.TrySplit(text[(equals + 1)..], lowestPort: 1, out string host, out int port, out fault))
        {
            return false;
        }

        if (Uri.CheckHostName(host) == UriHostNameType.Unknown)
        {
            fault = $"'{host}' is neither a host name nor an IP address";
            return false;
        }

        peer = new LinkPeer(cluster, host, port);
        return true;
    }

    /// <summary>The text form.</summary>
    public override string ToString()
    {
        string host = Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host;
        return string.Create(CultureInfo.InvariantCulture, $"{Cluster}={host}:{Port}");
    }
}
