namespace Streams.Client;

/// <summary>What a device presents to a cluster.</summary>
/// <param name="UserName">The user's name, or <see langword="null"/>.</param>
/// <param name="Password">A password or a token, or <see langword="null"/>.</param>
public sealed record ClusterCredentials(string? UserName, byte[]? Password)
{
    /// <summary>Without the password: this may stand in a log.</summary>
    public override string ToString() => $"user {UserName ?? "without a name"}{(Password is null ? "" : ", with a password")}";
}

/// <summary>Gives the credentials for one connect. Asked at every connect, so a token is as fresh as the application makes it.</summary>
/// <param name="endpoint">Where to.</param>
/// <param name="cancellationToken">Cancelled after <see cref="ClusterOptions.CredentialsTimeout"/>, and when the client
/// closes.</param>
/// <returns>The credentials; <see langword="null"/> presents none.</returns>
public delegate ValueTask<ClusterCredentials?> CredentialsProvider(ClusterEndpoint endpoint, CancellationToken cancellationToken);

/// <summary>A cluster does not take this client as it presented itself. Another try can help: credentials are asked anew.</summary>
/// <param name="message">For people.</param>
internal sealed class CredentialsRefusedException(string message) : Exception(message);
