using Streams.Core;

namespace Streams.Client;

/// <summary>A cluster that a device may connect to.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Host">Host name or address of its MQTT endpoint.</param>
/// <param name="Port">Port of its MQTT endpoint.</param>
public sealed record ClusterEndpoint(ClusterName Name, string Host, int Port)
{
    /// <summary>Reads <c>NAME=HOST:PORT</c>.</summary>
    /// <exception cref="ConfigurationException">The text is none.</exception>
    public static ClusterEndpoint Parse(string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        int colon = text.LastIndexOf(':');
        if (equals < 1 || colon < equals + 2 || !ClusterName.TryParse(text[..equals], out ClusterName name, out _)
            || !int.TryParse(text.AsSpan(colon + 1), out int port) || port is < 1 or > 65535)
        {
            throw new ConfigurationException($"cluster '{text}': must be NAME=HOST:PORT, as in sj=127.0.0.1:1883");
        }

        return new ClusterEndpoint(name, text[(equals + 1)..colon], port);
    }
}

/// <summary>How a device keeps and sends its events. Validated when the client opens: all faults are reported together.</summary>
public sealed record StreamsClientOptions
{
    /// <summary>Name of this device, for connections, logs and metrics: 1 to 128 bytes of UTF-8. Required.</summary>
    public required string Name { get; init; }

    /// <summary>The clusters, the preferred first. When one is lost the client goes on with the next that answers, and back to the
    /// first when it is well again. Required, 1 to 64.</summary>
    public required IReadOnlyList<ClusterEndpoint> Clusters { get; init; }

    /// <summary>The SQLite file that holds the outbox and what consumers have been given. Created when missing. One process at a time.
    /// Required.</summary>
    public required string OutboxPath { get; init; }

    /// <summary>Most bytes that the outbox's files (database, journal, index of the journal) may take on disk; before they take more,
    /// <see cref="StreamsClient.PublishAsync"/> waits. Default 256 MiB; at least 1 MiB. Only an event so great that it goes alone, or the
    /// bookkeeping of a full outbox, may take up to 4 MiB beyond. A file that is greater when it is opened does not grow, and is not
    /// shrunk.</summary>
    public long OutboxBytes { get; init; } = 256L << 20;

    /// <summary>What is done with which events when the outbox is full or they have waited for too long: the first rule that matches an
    /// event's topic counts; an event that none matches waits for room and is never dropped (<see cref="OutboxPolicy.Block"/>). At most
    /// 64. Whatever is dropped leaves an event in the stream that tells (<see cref="ReceivedEvent.Gap"/>).</summary>
    public IReadOnlyList<OutboxRule> OutboxRules { get; init; } = [];

    /// <summary>Most bytes of one batch. Default 256 KiB; 4 KiB to 4 MiB.</summary>
    public int BatchBytes { get; init; } = 256 << 10;

    /// <summary>Batches on their way without an answer. Default 16; 1 to 256.</summary>
    public int BatchesInFlight { get; init; } = 16;

    /// <summary>How long events may wait for others to make a fuller batch. Default 5 ms; 0 to 10 s.</summary>
    public TimeSpan Linger { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>How long a consumer waits for an earlier event of the same producer that stands in a lane not here yet (the design's
    /// patience).
    /// Default 30 s. After it the order is given up for that event, counted and marked.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Most events that one consumer holds back. Default 10,000; at least 1.</summary>
    public int HoldBackEvents { get; init; } = 10_000;

    /// <summary>Bytes of deliveries that a consumer may have received and not yet handed out. Default 4 MiB; at least 64 KiB.</summary>
    public int ReceiveBytes { get; init; } = 4 << 20;

    /// <summary>How long an answer may take before the connection counts as lost. Default 10 s.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>First and longest pause between attempts to connect; grows exponentially, with jitter. Defaults 100 ms and 5 s.</summary>
    public (TimeSpan First, TimeSpan Longest) ConnectBackoff { get; init; } = (TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5));

    /// <summary>How long the preferred cluster must answer again before the client goes back to it. Default 30 s;
    /// <see cref="Timeout.InfiniteTimeSpan"/> never.</summary>
    public TimeSpan FailBackAfter { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How to speak TLS to all clusters; <see langword="null"/> (the default) is plain TCP. The target host is each cluster's
    /// host unless set.</summary>
    public System.Net.Security.SslClientAuthenticationOptions? Tls { get; init; }

    /// <summary>User name for all clusters, or <see langword="null"/> (the default).</summary>
    public string? UserName { get; init; }

    /// <summary>Password for all clusters, or <see langword="null"/> (the default).</summary>
    public byte[]? Password { get; init; }

    /// <summary>MQTT keep-alive. Default 15 s; 1 s to 18 h.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(15);
}
