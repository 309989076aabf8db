using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Security.Cryptography;

namespace Streams.Gateways;

/// <summary>Users with passwords, and what each listener asks for. Immutable: a new one takes its place when the rules change.</summary>
/// <remarks>A password is derived one at a time, so that who guesses takes one core at most; what was right once is known again at no
/// cost until this is replaced. An unknown user takes as long as a wrong password.</remarks>
public sealed class PasswordAuthentication : IClientAuthentication
{
    private static readonly PasswordHash Nobody = PasswordHash.Of(RandomNumberGenerator.GetBytes(16));

    private readonly ImmutableDictionary<string, PasswordHash> _users;
    private readonly ImmutableDictionary<string, SignInRule> _listeners;
    private readonly ConcurrentDictionary<string, byte[]> _known = new(StringComparer.Ordinal);     // at most one for each user
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly TaskFactory _oneByOne = new(new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler);

    /// <summary>Users and listeners by their names.</summary>
    /// <param name="users">The users' passwords.</param>
    /// <param name="listeners">What each listener asks for; one that is not named lets nobody in.</param>
    public PasswordAuthentication(ImmutableDictionary<string, PasswordHash> users, ImmutableDictionary<string, SignInRule> listeners)
    {
        _users = users;
        _listeners = listeners;
    }

    /// <inheritdoc/>
    public async ValueTask<AccessSubject?> SignInAsync(AccessSubject claimed, ReadOnlyMemory<byte>? password,
        CancellationToken cancellationToken)
    {
        if (!_listeners.TryGetValue(claimed.Listener, out SignInRule rule))
        {
            return null;
        }

        return rule switch
        {
            SignInRule.None => claimed with { UserName = null },
            SignInRule.Certificate => claimed.Certificate is null ? null : claimed with { UserName = null },
            _ => claimed.UserName is { } user && password is { Length: <= PasswordHash.MaxPasswordBytes } shown
                && await IsRightAsync(user, shown, cancellationToken).ConfigureAwait(false) ? claimed : null,
        };
    }

    private async ValueTask<bool> IsRightAsync(string user, ReadOnlyMemory<byte> password, CancellationToken cancellationToken)
    {
        byte[] print = HMACSHA256.HashData(_key, password.Span);
        if (_known.TryGetValue(user, out byte[]? known) && CryptographicOperations.FixedTimeEquals(known, print))
        {
            return true;
        }

        PasswordHash? hash = _users.GetValueOrDefault(user);

        // Elsewhere than on the thread that serves connections: it takes a tenth of a second.
        bool fits = await _oneByOne.StartNew(() => (hash ?? Nobody).Fits(password.Span), cancellationToken).ConfigureAwait(false);
        if (!fits || hash is null)
        {
            return false;
        }

        _known[user] = print;
        return true;
    }
}
