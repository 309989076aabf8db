namespace Streams.Client;

/// <summary>Something that lives over connections: the producer, a consumer.</summary>
internal interface ISessionUser
{
    /// <summary>A session begins. Runs until it ends, or until nothing is left to do in it; a fault ends the session.</summary>
    Task RunAsync(ClusterSession session);

    /// <summary>Takes a message of the cluster that is meant for it; called in order. False when it is not.</summary>
    bool TryReceive(ClusterSession session, string topic, ReadOnlyMemory<byte> payload);

    /// <summary>The session is over and <see cref="RunAsync"/> has ended; nothing more of it comes.</summary>
    void SessionEnded();
}
