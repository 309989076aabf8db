using Streams.Core;

namespace Streams.Geo;

/// <summary>What a link does now.</summary>
public enum LinkState
{
    /// <summary>Not connected; the reason is beside it. The next attempt comes by itself.</summary>
    Down,

    /// <summary>A connection is being made.</summary>
    Connecting,

    /// <summary>The two sides tell each other what they hold.</summary>
    Handshaking,

    /// <summary>Entries flow.</summary>
    CatchingUp,

    /// <summary>The receiver holds, flushed, all that the sender would offer it.</summary>
    Level,
}

/// <summary>A link as it is at one moment.</summary>
public sealed record LinkStatus
{
    /// <summary>The cluster at the other end.</summary>
    public required ClusterName Name { get; init; }

    /// <summary>What it does.</summary>
    public required LinkState State { get; init; }

    /// <summary>Since when it has been connected, or down.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>Why it was last down, or <see langword="null"/>.</summary>
    public string? LastError { get; init; }

    /// <summary>Bytes sent since the start of the server.</summary>
    public long BytesSent { get; init; }

    /// <summary>Bytes received since the start of the server.</summary>
    public long BytesReceived { get; init; }

    /// <summary>Entries sent (outgoing) or received (incoming) since the start of the server.</summary>
    public long Entries { get; init; }

    /// <summary>Of the entries received, those that were here already; for outgoing links, those not offered because they had been
    /// there.</summary>
    public long EntriesSpared { get; init; }

    /// <summary>Entries that retention had taken before they went over this link, and that the receiver stepped over.</summary>
    public long GapEntries { get; init; }

    /// <summary>Events that the receiver does not hold yet. For outgoing links, of the lanes that they feed; entries not yet looked at
    /// count as to be offered.</summary>
    public long LagEvents { get; init; }

    /// <summary>Age of the oldest entry sent and not acknowledged, by its origin's clock; zero when there is none, and for incoming
    /// links.</summary>
    public TimeSpan Lag { get; init; }

    /// <summary>Connections that were made again.</summary>
    public long Reconnects { get; init; }
}

/// <summary>All links of this cluster at one moment.</summary>
/// <param name="Outgoing">One for each target.</param>
/// <param name="Incoming">One for each cluster that has linked here since the start.</param>
public sealed record LinksStatus(IReadOnlyList<LinkStatus> Outgoing, IReadOnlyList<LinkStatus> Incoming);
