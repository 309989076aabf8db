namespace Streams.Client;

/// <summary>Who connects to which clusters, and how batches are sent: what every client has.</summary>
public abstract record ClusterOptions
{
    /// <summary>Name of this device or program, for connections, logs and metrics: 1 to 128 bytes of UTF-8. Required.</summary>
    public required string Name { get; init; }

    /// <summary>The clusters, the preferred first. When one is lost the client goes on with the next that answers, and back to the
    /// first when it is well again. Required, 1 to 64.</summary>
    public required IReadOnlyList<ClusterEndpoint> Clusters { get; init; }

    /// <summary>Most bytes of one batch. Default 256 KiB; 4 KiB to 4 MiB.</summary>
    public int BatchBytes { get; init; } = 256 << 10;

    /// <summary>Batches on their way without an answer. Default 16; 1 to 256.</summary>
    public int BatchesInFlight { get; init; } = 16;

    /// <summary>How long events may wait for others to make a fuller batch. Default 5 ms; 0 to 10 s.</summary>
    public TimeSpan Linger { get; init; } = TimeSpan.FromMilliseconds(5);

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

    /// <summary>Whether the trace context (W3C <c>traceparent</c> and <c>tracestate</c>) of the activity that is current when an event is
    /// published is stored in its headers, so that whoever consumes it can link to it. Default <see langword="true"/>.</summary>
    public bool StoreTraceContext { get; init; } = true;

    /// <summary>How long closing tries to send what waits before it closes all the same. What is not sent stays in the outbox, or,
    /// without one, is given up. Default 5 s; 0 (not at all) to 1 h.</summary>
    public TimeSpan CloseWithin { get; init; } = TimeSpan.FromSeconds(5);
}
