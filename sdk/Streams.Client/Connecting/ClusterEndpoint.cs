using System.Globalization;
using Streams.Core;

namespace Streams.Client;

/// <summary>How a cluster is spoken to.</summary>
public enum ClusterScheme
{
    /// <summary>Not said, as in <c>NAME=HOST:PORT</c>: TCP, with TLS when the options have <see cref="ClusterOptions.Tls"/> or
    /// <see cref="ClusterOptions.CertificateFiles"/>.</summary>
    Unsaid,

    /// <summary>MQTT over TCP, without TLS.</summary>
    Mqtt,

    /// <summary>MQTT over TLS.</summary>
    Mqtts,

    /// <summary>MQTT over WebSocket, without TLS.</summary>
    Ws,

    /// <summary>MQTT over WebSocket over TLS.</summary>
    Wss,
}

/// <summary>A cluster that a device may connect to.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Host">Host name or address of its MQTT endpoint; an address of version 6 without brackets.</param>
/// <param name="Port">Port of its MQTT endpoint.</param>
public sealed record ClusterEndpoint(ClusterName Name, string Host, int Port)
{
    private const string DefaultPath = "/mqtt";

    /// <summary>How it is spoken to. Default: not said.</summary>
    public ClusterScheme Scheme { get; init; }

    /// <summary>Path of its WebSocket endpoint; counts for <see cref="ClusterScheme.Ws"/> and <see cref="ClusterScheme.Wss"/> alone.
    /// Default <c>/mqtt</c>.</summary>
    public string Path { get; init; } = DefaultPath;

    /// <summary>Whether it is reached over WebSocket.</summary>
    public bool IsWebSocket => Scheme is ClusterScheme.Ws or ClusterScheme.Wss;

    /// <summary>Where it is, without its name: <c>10.0.0.1:1883</c>, <c>wss://streams.example:443/mqtt</c>.</summary>
    public string Address
    {
        get
        {
            string place = string.Create(CultureInfo.InvariantCulture, $"{(Host.Contains(':') ? $"[{Host}]" : Host)}:{Port}");
            return Scheme switch
            {
                ClusterScheme.Mqtt => "mqtt://" + place,
                ClusterScheme.Mqtts => "mqtts://" + place,
                ClusterScheme.Ws => "ws://" + place + Path,
                ClusterScheme.Wss => "wss://" + place + Path,
                _ => place,
            };
        }
    }

    /// <summary>Reads <c>NAME=HOST:PORT</c>, or <c>NAME=URL</c> with a URL of <c>mqtt://</c> (port 1883 unless said), <c>mqtts://</c>
    /// (8883), <c>ws://</c> (80) or <c>wss://</c> (443), for WebSocket with a path (<c>/mqtt</c> unless said).</summary>
    /// <exception cref="ConfigurationException">The text is none; the message says what is wrong with it.</exception>
    public static ClusterEndpoint Parse(string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals < 1 || !ClusterName.TryParse(text[..equals], out ClusterName name, out _))
        {
            throw Fault(text, "begins with the cluster's name");
        }

        string place = text[(equals + 1)..];
        return place.Contains("://", StringComparison.Ordinal) ? Url(text, name, place) : HostAndPort(text, name, place);
    }

    /// <summary>Its name and address.</summary>
    public override string ToString() => $"{Name}={Address}";

    private static ClusterEndpoint HostAndPort(string text, ClusterName name, string place)
    {
        int colon = place.LastIndexOf(':');
        return colon >= 1 && int.TryParse(place.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port)
            && port is >= 1 and <= 65535
            ? new ClusterEndpoint(name, place[..colon].Trim('[', ']'), port)
            : throw Fault(text, "HOST:PORT with a port from 1 to 65535");
    }

    private static ClusterEndpoint Url(string text, ClusterName name, string place)
    {
        string behind = place[(place.IndexOf("://", StringComparison.Ordinal) + 3)..];
        if (behind.Split('/')[0].Contains('@', StringComparison.Ordinal))
        {
            // Not repeated: it would stand in logs.
            throw new ConfigurationException($"cluster '{name}': no user and password in the URL; they are options of their own");
        }

        if (!Uri.TryCreate(place, UriKind.Absolute, out Uri? url) || url.Host.Length == 0 || url.Port == 0)
        {
            throw Fault(text, "the URL needs a host, and a port from 1 to 65535 where it names one");
        }

        (ClusterScheme scheme, int usual) = url.Scheme switch
        {
            "mqtt" or "tcp" => (ClusterScheme.Mqtt, 1883),
            "mqtts" or "ssl" => (ClusterScheme.Mqtts, 8883),
            "ws" => (ClusterScheme.Ws, 80),
            "wss" => (ClusterScheme.Wss, 443),
            _ => throw Fault(text, $"'{url.Scheme}' is none of mqtt, mqtts, ws and wss"),
        };
        bool hasPath = url.PathAndQuery is not ("" or "/");
        bool isWebSocket = scheme is ClusterScheme.Ws or ClusterScheme.Wss;
        if (url.Fragment.Length > 0 || (hasPath && !isWebSocket))
        {
            throw Fault(text, isWebSocket ? "a URL of WebSocket has no fragment" : $"a URL of {url.Scheme} has no path");
        }

        return new ClusterEndpoint(name, url.Host.Trim('[', ']'), url.Port < 0 ? usual : url.Port)
        {
            Scheme = scheme,
            Path = hasPath ? url.PathAndQuery : DefaultPath,
        };
    }

    private static ConfigurationException Fault(string text, string wrong) => new(
        $"cluster '{text}': must be NAME=HOST:PORT, as in sj=127.0.0.1:1883, or NAME=URL, as in sj=wss://streams.example/mqtt; {wrong}");
}
