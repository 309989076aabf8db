using System.Globalization;
using System.Net;

namespace Streams.Gateways;

/// <summary>Where an endpoint listens: <c>127.0.0.1:1883</c>, <c>[::1]:1883</c>, <c>localhost:1883</c> (127.0.0.1) or <c>*:1883</c>
/// (every address).
/// Port 0 takes a free one.</summary>
public readonly record struct ListenAddress(IPAddress Address, int Port)
{
    /// <summary>Reads the text form; <paramref name="fault"/> says what is wrong and what would be right.</summary>
    public static bool TryParse(string? text, out ListenAddress address, out string? fault)
    {
        address = default;
        if (!HostAndPort.TrySplit(text, lowestPort: 0, out string host, out int port, out fault))
        {
            return false;
        }

        IPAddress? ip = host switch
        {
            "*" => IPAddress.Any,
            "localhost" => IPAddress.Loopback,
            _ => IPAddress.TryParse(host, out IPAddress? parsed) ? parsed : null,
        };
        if (ip is null)
        {
            fault = $"'{host}' must be an IP address of this machine, 'localhost' or '*'";
            return false;
        }

        address = new ListenAddress(ip, port);
        return true;
    }

    /// <summary>Whether both could want the same port of the same address.</summary>
    public bool Collides(ListenAddress other) => Port != 0 && Port == other.Port
        && (Address.Equals(other.Address) || IsAny(Address) || IsAny(other.Address));

    /// <summary>The endpoint to bind.</summary>
    public IPEndPoint ToEndPoint() => new(Address, Port);

    /// <summary>The text form.</summary>
    public override string ToString() => ToEndPoint().ToString();

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
}

/// <summary>Splits <c>HOST:PORT</c>.</summary>
public static class HostAndPort
{
    /// <summary>Splits; <paramref name="fault"/> says what is wrong and what would be right.</summary>
    public static bool TrySplit(string? text, int lowestPort, out string host, out int port, out string? fault)
    {
        host = string.Empty;
        port = 0;
        int colon = text?.LastIndexOf(':') ?? -1;
        if (colon <= 0)
        {
            fault = "must be HOST:PORT";
            return false;
        }

        host = text![..colon];
        bool bracketed = host.StartsWith('[') && host.EndsWith(']');
        if (!bracketed && host.Contains(':', StringComparison.Ordinal))
        {
            fault = "an IPv6 address is written in brackets, as in [::1]:1883";
            return false;
        }

        host = bracketed ? host[1..^1] : host;
        bool isPort = int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port)
            && port >= lowestPort && port <= IPEndPoint.MaxPort;
        fault = host.Length == 0 ? "the host is missing"
            : isPort ? null
            : $"port '{text[(colon + 1)..]}' must be {lowestPort} to {IPEndPoint.MaxPort}";
        return fault is null;
    }
}
