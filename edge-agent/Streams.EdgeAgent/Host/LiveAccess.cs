using System.Collections.Immutable;
using Streams.Core;
using Streams.Gateways;

namespace Streams.EdgeAgent;

/// <summary>Access rules that are replaced while devices are connected. Each question is answered by the rules of the moment: what a
/// connected device may no longer do it can no longer do, but it stays connected.</summary>
internal sealed class LiveAccess : IAccessPolicy, IClientAuthentication
{
    private volatile Rules _rules;

    public LiveAccess(AccessOptions access, ImmutableArray<ListenerOptions> listeners) => _rules = Make(access, listeners);

    /// <summary>Takes other rules from now on.</summary>
    public void Replace(AccessOptions access, ImmutableArray<ListenerOptions> listeners) => _rules = Make(access, listeners);

    /// <inheritdoc/>
    public bool Allows(AccessSubject subject, AccessAction action, StreamPath stream, ReadOnlySpan<char> topic) =>
        _rules.Policy.Allows(subject, action, stream, topic);

    /// <inheritdoc/>
    public ValueTask<AccessSubject?> SignInAsync(AccessSubject claimed, ReadOnlyMemory<byte>? password,
        CancellationToken cancellationToken) => _rules.Clients.SignInAsync(claimed, password, cancellationToken);

    private static Rules Make(AccessOptions access, ImmutableArray<ListenerOptions> listeners) => new(
        access.Rules is { } rules ? new AccessRules(rules) : new OpenAccess(),
        new PasswordAuthentication(access.Users, listeners.ToImmutableDictionary(static l => l.Name, static l => l.SignIn)));

    private sealed record Rules(IAccessPolicy Policy, PasswordAuthentication Clients);
}
