using Streams.Core;

namespace Streams.Client;

/// <summary>Who connects to which clusters, and how batches are sent: what every client has.</summary>
public abstract record ClusterOptions
{
    /// <summary>Name of this device or program, for connections, logs and metrics: 1 to 128 bytes of UTF-8. Required.</summary>
    public required string Name { get; init; }

    /// <summary>The clusters, the preferred first. When one is lost the client goes on with the next that answers, and back to the
    /// first when it is well again. Required, 1 to 64.</summary>
    public required IReadOnlyList<ClusterEndpoint> Clusters { get; init; }

    /// <summary>Most bytes of one batch, before compression. Default 256 KiB; 4 KiB to 4 MiB. Batches begin smaller and grow to it as long
    /// as they are answered soon.</summary>
    public int BatchBytes { get; init; } = 256 << 10;

    /// <summary>Most batches on their way without an answer. Default 16; 1 to 256. Fewer at the beginning and on slow lines.</summary>
    public int BatchesInFlight { get; init; } = 16;

    /// <summary>How long events may wait for others to make a fuller batch while something is under way; what finds nothing under way goes
    /// at once. Default 5 ms; 0 to 10 s.</summary>
    public TimeSpan Linger { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>How batches are compressed where it gains something: it is tried stream by stream, given up where it does not, and tried
    /// again now and then. The clusters store what was sent. Default none.</summary>
    public BatchCompression Compression { get; init; }

    /// <summary>How much may be sent, and when, on a line that is paid for by the byte; <see langword="null"/> (the default) is no
    /// limit.</summary>
    public SendCap? SendCap { get; init; }

    /// <summary>How long an answer may take before the connection counts as lost. Default 10 s.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>First and longest pause between attempts to connect; grows exponentially, with jitter. Defaults 100 ms and 5 s.</summary>
    public (TimeSpan First, TimeSpan Longest) ConnectBackoff { get; init; } = (TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5));

    /// <summary>How long a session must last before the pauses between attempts begin small again. Default 10 s; 0 or more: with 0 a
    /// cluster that takes connections and drops them is not spared.</summary>
    public TimeSpan StableAfter { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Which cluster is the best: the first of the list (the default), or the nearest by measured connect time. With the latter
    /// clusters are measured three times in <see cref="FailBackAfter"/>, and the client moves to one that was nearer by a quarter
    /// three times in a row.</summary>
    public ClusterOrder Order { get; init; }

    /// <summary>How long the preferred cluster must answer again before the client goes back to it. Default 30 s;
    /// <see cref="Timeout.InfiniteTimeSpan"/> never.</summary>
    public TimeSpan FailBackAfter { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How to speak TLS to all clusters; <see langword="null"/> (the default) is plain TCP where the endpoint does not say
    /// otherwise. The target host is each cluster's host unless set.</summary>
    public System.Net.Security.SslClientAuthenticationOptions? Tls { get; init; }

    /// <summary>Certificate, key and trust for TLS from PEM files that are read again when they change; they are laid over
    /// <see cref="Tls"/>, and ask for TLS as that does. Default <see langword="null"/>.</summary>
    public CertificateFiles? CertificateFiles { get; init; }

    /// <summary>Connects in place of TCP; <see langword="null"/> (the default) is TCP.</summary>
    public ClusterTransport? Transport { get; init; }

    /// <summary>User name for all clusters, or <see langword="null"/> (the default).</summary>
    public string? UserName { get; init; }

    /// <summary>Password for all clusters, or <see langword="null"/> (the default).</summary>
    public byte[]? Password { get; init; }

    /// <summary>Asked for user and password, or a token, at every connect, in place of <see cref="UserName"/> and <see cref="Password"/>.
    /// Default <see langword="null"/>.</summary>
    public CredentialsProvider? Credentials { get; init; }

    /// <summary>How long <see cref="Credentials"/> may take; then the connect has failed and is tried again. Default 30 s.</summary>
    public TimeSpan CredentialsTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>MQTT keep-alive. Default 15 s; 1 s to 18 h.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Whether the trace context (W3C <c>traceparent</c> and <c>tracestate</c>) of the activity that is current when an event is
    /// published is stored in its headers, so that whoever consumes it can link to it. Default <see langword="true"/>.</summary>
    public bool StoreTraceContext { get; init; } = true;

    /// <summary>Whether one connection sends for many producers: only clusters that take bundles are used then. Default no.</summary>
    internal bool SendsForMany { get; init; }

    /// <summary>How long closing tries to send what waits before it closes all the same. What is not sent stays in the outbox, or,
    /// without one, is given up. Default 5 s; 0 (not at all) to 1 h.</summary>
    public TimeSpan CloseWithin { get; init; } = TimeSpan.FromSeconds(5);
}
