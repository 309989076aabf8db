using Streams.Core;

namespace Streams.Client;

/// <summary>How a QoS 1 message was answered.</summary>
/// <param name="Reason">PUBACK's reason code; below 0x80 it was taken.</param>
/// <param name="Text">PUBACK's reason string, or empty.</param>
/// <param name="Placed">The values of PUBACK's user property <see cref="ProtocolTopics.PlacedProperty"/>, in order.</param>
internal readonly record struct ClusterAnswer(byte Reason, string Text, IReadOnlyList<string> Placed)
{
    /// <summary>The client may not do this, now and later.</summary>
    public const byte NotAuthorized = 0x87;

    /// <summary>The message is wrong, now and later.</summary>
    public const byte PayloadInvalid = 0x99;

    /// <summary>Whether the message was taken.</summary>
    public bool IsTaken => Reason < 0x80;

    /// <summary>Whether it is refused for good.</summary>
    public bool IsPermanent => Reason is NotAuthorized or PayloadInvalid;
}

/// <summary>Takes what a cluster sends, one message at a time and in order; the memory is the receiver's to keep.</summary>
internal delegate ValueTask IncomingMessage(string topic, ReadOnlyMemory<byte> payload);

/// <summary>The client's port to a cluster: one connection that speaks the topics of <see cref="ProtocolTopics"/>.</summary>
internal interface IClusterConnection : IAsyncDisposable
{
    /// <summary>How long making it took on the way, from the first packet to the answer to CONNECT; <see langword="null"/> when that is
    /// not known.</summary>
    TimeSpan? ConnectTook => null;

    /// <summary>Producers that may have a session on this connection, where it takes bundles (<see cref="ProtocolTopics.Bundle"/>); 0 where
    /// it does not.</summary>
    int MaxProducers => 0;

    /// <summary>Where what is sent goes on to, where an edge agent answers (<see cref="ProtocolTopics.PathProperty"/>);
    /// <see langword="null"/> where it is a cluster.</summary>
    string? Path => null;

    /// <summary>Completes with the reason when the connection is over. Never faults.</summary>
    Task<ConnectionEnd> Closed { get; }

    /// <summary>Sends a message; messages go out in the order of the calls. Completes with the answer, or when it is written if none is
    /// asked for.</summary>
    /// <exception cref="IOException">The connection is over.</exception>
    Task<ClusterAnswer> SendAsync(string topic, ReadOnlyMemory<byte> payload, bool answered, CancellationToken cancellationToken);
}

/// <summary>Opens connections to clusters.</summary>
internal interface IClusterConnector
{
    /// <summary>Connects; <paramref name="incoming"/> is called from then on.</summary>
    /// <exception cref="ClusterBusyException">The cluster has no room now.</exception>
    /// <exception cref="Exception">Whatever it was that failed: its message is for people.</exception>
    ValueTask<IClusterConnection> ConnectAsync(ClusterEndpoint endpoint, string clientId, IncomingMessage incoming,
        CancellationToken cancellationToken);
}
