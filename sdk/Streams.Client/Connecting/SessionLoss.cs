namespace Streams.Client;

/// <summary>How a session was lost, as far as this side can tell.</summary>
internal enum SessionLoss
{
    /// <summary>It concerns this client alone: a fault of the session, a silence, or this side ended it. Nobody else comes now because
    /// of it, so the client need not wait for others.</summary>
    Alone,

    /// <summary>The other side closed the connection, or said that it stops: maybe for all its clients in this very moment.</summary>
    Together,
}

/// <summary>Why a connection is over.</summary>
/// <param name="Reason">For people.</param>
/// <param name="Loss">Whether others may have lost theirs in the same moment.</param>
/// <param name="Reference">MQTT's Server Reference that came with it, or <see langword="null"/>.</param>
internal readonly record struct ConnectionEnd(string Reason, SessionLoss Loss, string? Reference = null);

/// <summary>A cluster answered that it has no room now.</summary>
/// <param name="message">For people.</param>
/// <param name="retryAfter">When it will have room; <see langword="null"/> when it did not say.</param>
/// <param name="reference">Another server to use, as it named it; <see langword="null"/> when it named none.</param>
internal sealed class ClusterBusyException(string message, TimeSpan? retryAfter, string? reference) : Exception(message)
{
    /// <summary>When it will have room.</summary>
    public TimeSpan? RetryAfter => retryAfter;

    /// <summary>Another server to use: <c>HOST:PORT</c> or a cluster's name.</summary>
    public string? Reference => reference;
}
