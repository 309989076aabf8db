namespace Streams.Client;

/// <summary>Encryption of what waits in the outbox: payload, key and headers of each event are sealed (AES-256-GCM) before they reach the
/// disk, and opened when they are sent. Topics, times and sizes stay readable: docs/client.md.</summary>
/// <param name="KeyId">Names the key that new events are sealed under: 1 to 64 of letters, digits and <c>.</c> <c>_</c> <c>-</c>. Another
/// one at a later opening is the rotation of the key: what was sealed under an earlier one is still read.</param>
/// <param name="Key">Gives the key of a key id, 32 bytes, or <see langword="null"/> when there is none. Called while the client opens:
/// for <paramref name="KeyId"/>, and for each earlier id under which events still wait or are refused. The bytes are kept in memory as
/// long as the client is open.</param>
public sealed record OutboxEncryption(string KeyId, Func<string, byte[]?> Key)
{
    /// <summary>Bytes of a key.</summary>
    public const int KeyBytes = 32;

    internal const int MaxIdLength = 64;

    internal static bool IsId(string? id) => id is { Length: >= 1 and <= MaxIdLength }
        && id.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
}
