using Streams.Core;

namespace Streams.Gateways;

/// <summary>What a client wants to do.</summary>
public enum AccessAction
{
    /// <summary>Open a connection.</summary>
    Connect,

    /// <summary>Write events, plain or in batches.</summary>
    Publish,

    /// <summary>Open a subscription.</summary>
    Subscribe,

    /// <summary>Be given an event.</summary>
    Deliver,
}

/// <summary>Who asks.</summary>
/// <param name="ClientId">The MQTT client id.</param>
/// <param name="UserName">The user name given at connect, or <see langword="null"/>.</param>
/// <param name="Remote">The remote address, for people.</param>
public sealed record AccessSubject(string ClientId, string? UserName, string Remote)
{
    /// <summary>The name of the listener the client came by; empty where listeners have none.</summary>
    public string Listener { get; init; } = string.Empty;

    /// <summary>The certificate the client showed, checked already; <see langword="null"/> when it showed none.</summary>
    public ClientCertificate? Certificate { get; init; }
}

/// <summary>The one place that is asked on every path: connect, publish, subscribe, each delivery, SDK batches. Must be fast and must not
/// block.</summary>
public interface IAccessPolicy
{
    /// <summary>Whether <paramref name="subject"/> may do this. <paramref name="topic"/> is the topic or filter within the stream; both
    /// are the default at connect.</summary>
    bool Allows(AccessSubject subject, AccessAction action, StreamPath stream, ReadOnlySpan<char> topic);
}

/// <summary>Allows everything: the policy until access rules are configured.</summary>
public sealed class OpenAccess : IAccessPolicy
{
    /// <inheritdoc/>
    public bool Allows(AccessSubject subject, AccessAction action, StreamPath stream, ReadOnlySpan<char> topic) => true;
}
