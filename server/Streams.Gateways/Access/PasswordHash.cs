using System.Globalization;
using System.Security.Cryptography;

namespace Streams.Gateways;

/// <summary>What is kept of a password: PBKDF2 with SHA-256, as text <c>pbkdf2-sha256$ITERATIONS$SALT$HASH</c>, salt and hash in
/// Base64.</summary>
public sealed class PasswordHash
{
    /// <summary>Iterations of hashes made here: about a tenth of a second on the small machines an agent runs on, which checks a
    /// password seldom.</summary>
    public const int DefaultIterations = 100_000;

    /// <summary>Longest password, in bytes: what is longer is no password, and costs whoever checks it.</summary>
    public const int MaxPasswordBytes = 1024;

    private const string Scheme = "pbkdf2-sha256";
    private const int LeastIterations = 1000;
    private const int MostIterations = 10_000_000;
    private const int HashBytes = 32;
    private const int SaltBytes = 16;

    private readonly int _iterations;
    private readonly byte[] _salt;
    private readonly byte[] _hash;

    private PasswordHash(int iterations, byte[] salt, byte[] hash)
    {
        _iterations = iterations;
        _salt = salt;
        _hash = hash;
    }

    /// <summary>Hashes a password under a salt of its own.</summary>
    /// <param name="password">The password, as a client sends it: UTF-8 for text.</param>
    /// <param name="iterations">1000 to 10,000,000.</param>
    public static PasswordHash Of(ReadOnlySpan<byte> password, int iterations = DefaultIterations)
    {
        byte[] salt = RandomNumberGenerator.GetBytes(SaltBytes);
        return new PasswordHash(iterations, salt, Derive(password, salt, iterations));
    }

    /// <summary>Reads the text form; <paramref name="fault"/> says what is wrong and what would be right, and never the hash.</summary>
    public static bool TryParse(string? text, out PasswordHash? hash, out string? fault)
    {
        hash = null;
        fault = $"must be a hash, {Scheme}$ITERATIONS$SALT$HASH, as the verb 'password' prints it; a password in plain text is not taken";
        string[] parts = (text ?? string.Empty).Split('$');
        if (parts.Length != 4 || parts[0] != Scheme)
        {
            return false;
        }

        if (!int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int iterations)
            || iterations is < LeastIterations or > MostIterations)
        {
            fault = $"its iterations must be {LeastIterations} to {MostIterations}";
            return false;
        }

        byte[] salt = new byte[64];
        byte[] derived = new byte[HashBytes];
        if (!Convert.TryFromBase64String(parts[2], salt, out int saltLength) || saltLength < 8
            || !Convert.TryFromBase64String(parts[3], derived, out int length) || length != HashBytes)
        {
            fault = $"its salt must be 8 to 64 bytes and its hash {HashBytes} bytes, both in Base64";
            return false;
        }

        fault = null;
        hash = new PasswordHash(iterations, salt[..saltLength], derived);
        return true;
    }

    /// <summary>Whether this is the password. Takes as long as the iterations make it, and as long for a wrong one as for the right
    /// one.</summary>
    public bool Fits(ReadOnlySpan<byte> password) =>
        password.Length <= MaxPasswordBytes && CryptographicOperations.FixedTimeEquals(Derive(password, _salt, _iterations), _hash);

    /// <summary>The text form.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Scheme}${_iterations}${Convert.ToBase64String(_salt)}${Convert.ToBase64String(_hash)}");

    private static byte[] Derive(ReadOnlySpan<byte> password, byte[] salt, int iterations) =>
        Rfc2898DeriveBytes.Pbkdf2(password, salt, iterations, HashAlgorithmName.SHA256, HashBytes);
}
