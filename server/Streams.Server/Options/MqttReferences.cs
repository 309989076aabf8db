using Streams.Gateways;

namespace Streams.Server;

/// <summary>Reads which servers clients are sent to: <c>ny.example.net:1883,ldn.example.net:1883</c>.</summary>
internal static class MqttReferences
{
    /// <summary>Most servers that can be named: a client tries them one after another.</summary>
    public const int Most = 16;

    /// <summary>Reads the text form and gives that of MQTT's Server Reference, with spaces between; <paramref name="fault"/> says what is
    /// wrong and what would be right.</summary>
    public static bool TryParse(string text, out string? servers, out string? fault)
    {
        servers = null;
        string[] parts = text.Split(',');
        fault = parts.Length > Most ? $"{parts.Length} servers, at most {Most} are allowed" : null;
        foreach (string part in parts)
        {
            if (fault is not null || !HostAndPort.TrySplit(part, lowestPort: 1, out string host, out _, out fault))
            {
                return false;
            }

            if (Uri.CheckHostName(host) == UriHostNameType.Unknown)
            {
                fault = $"'{host}' is neither a host name nor an IP address";
                return false;
            }
        }

        servers = string.Join(' ', parts);
        return true;
    }
}
