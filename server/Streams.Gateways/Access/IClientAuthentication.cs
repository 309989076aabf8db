namespace Streams.Gateways;

/// <summary>Finds out who connects, before anything else is asked.</summary>
public interface IClientAuthentication
{
    /// <summary>Whom a client is taken for: what it claims and cannot show is left out of it; <see langword="null"/> when it is not let
    /// in. May take its time, which is within that for CONNECT; must throw nothing but <see cref="OperationCanceledException"/>.</summary>
    /// <param name="claimed">What the client says of itself. The certificate is checked already.</param>
    /// <param name="password">What it showed; <see langword="null"/> when nothing. Must not be kept.</param>
    /// <param name="cancellationToken">Ends waiting: the client is gone.</param>
    ValueTask<AccessSubject?> SignInAsync(AccessSubject claimed, ReadOnlyMemory<byte>? password, CancellationToken cancellationToken);
}
