using System.Collections.Immutable;

namespace Streams.Gateways;

/// <summary>Whom a rule is for, and what it allows. It is for clients to whom all of what it names fits; what it does not name is not
/// asked for.</summary>
public sealed record AccessRule
{
    /// <summary>The listener; <see langword="null"/> for any.</summary>
    public string? Listener { get; init; }

    /// <summary>The user name, shown by a password; <see langword="null"/> for any, and for none.</summary>
    public string? User { get; init; }

    /// <summary>The common name of the certificate; <see langword="null"/> for any, and for none.</summary>
    public string? Certificate { get; init; }

    /// <summary>The client id; <c>%u</c> for the same as the user name, <c>%n</c> for the same as the common name of the certificate;
    /// <see langword="null"/> for any.</summary>
    public string? Client { get; init; }

    /// <summary>Where it allows to publish.</summary>
    public ImmutableArray<TopicPattern> Publish { get; init; } = [];

    /// <summary>What it allows to subscribe to and be given.</summary>
    public ImmutableArray<TopicPattern> Subscribe { get; init; } = [];

    /// <summary>Whether it is for this client.</summary>
    public bool IsFor(AccessSubject subject) =>
        Fits(Listener, subject.Listener) && Fits(User, subject.UserName) && Fits(Certificate, subject.Certificate?.CommonName)
        && Client switch
        {
            null => true,
            "%u" => subject.ClientId == subject.UserName,
            "%n" => subject.ClientId == subject.Certificate?.CommonName,
            _ => Client == subject.ClientId,
        };

    private static bool Fits(string? wanted, string? shown) => wanted is null || wanted == shown;
}
