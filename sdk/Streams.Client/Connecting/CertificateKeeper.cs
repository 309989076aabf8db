using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace Streams.Client;

/// <summary>Has what the client shows and trusts, and takes it anew when its files have changed.</summary>
/// <remarks>Whether a certificate is expired is not asked here: the cluster decides, and a device's clock may be wrong. Failure: files
/// that cannot be used are told of once, and what was in use stays in use; only as long as there never was anything, connecting
/// fails.</remarks>
internal sealed class CertificateKeeper(CertificateFiles files, SslClientAuthenticationOptions? others, ILogger logger)
{
    /// <summary>Far more than any chain of certificates takes: what is larger was named by mistake.</summary>
    private const int MaxBytes = 4 << 20;

    private readonly Lock _lock = new();
    private Texts? _seen;
    private SslClientAuthenticationOptions? _current;
    private string? _told;

    /// <summary>What a connection of now is to use.</summary>
    /// <exception cref="IOException">There is nothing usable, and there never was.</exception>
    public async ValueTask<SslClientAuthenticationOptions> CurrentAsync(CancellationToken cancellationToken)
    {
        Texts? read = null;
        string? fault = null;
        try
        {
            read = new Texts(
                await TextAsync(files.Certificate, cancellationToken).ConfigureAwait(false),
                await TextAsync(files.Key, cancellationToken).ConfigureAwait(false),
                await TextAsync(files.Trust, cancellationToken).ConfigureAwait(false));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            fault = e.Message.ReplaceLineEndings(" ");
        }

        lock (_lock)
        {
            if (read is not null && (_current is null || read != _seen))
            {
                fault = Take(read);
            }

            if (fault is not null && fault != _told)
            {
                ClientLog.CertificateNotTaken(logger, fault, _current is null ? "there is no other" : "the one before stays in use");
            }

            _told = fault;
            return _current ?? throw new IOException($"TLS: {fault}");
        }
    }

    private string? Take(Texts read)
    {
        try
        {
            (_current, string shown) = Load(read);
            _seen = read;                                // only now: what could not be used is tried again
            ClientLog.CertificateTaken(logger, shown);
            return null;
        }
        catch (Exception e) when (e is IOException or CryptographicException or ArgumentException)
        {
            return e.Message.ReplaceLineEndings(" ");
        }
    }

    private (SslClientAuthenticationOptions, string Shown) Load(Texts texts)
    {
        SslClientAuthenticationOptions loaded = others is null ? new SslClientAuthenticationOptions() : Mqtt.TlsTarget.Copy(others);
        string shown = "none";
        if (texts.Certificate is { } pem)
        {
            X509Certificate2Collection chain = Certificates(pem, files.Certificate!);
            X509Certificate2 own = WithKey(pem, texts.Key ?? pem);
            chain.RemoveAt(0);
            loaded.ClientCertificateContext = SslStreamCertificateContext.Create(own, chain, offline: true);
            loaded.LocalCertificateSelectionCallback = null;
            loaded.ClientCertificates = null;
            shown = $"{own.Subject}, valid until {own.NotAfter.ToUniversalTime():yyyy-MM-dd'T'HH:mm:ss'Z'}";
        }

        if (texts.Trust is { } trust)
        {
            // Only these, not those of the machine: a public authority gives certificates to everybody.
            X509ChainPolicy policy = new()
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
            };
            policy.CustomTrustStore.AddRange(Certificates(trust, files.Trust!));
            loaded.CertificateChainPolicy = policy;
        }

        return (loaded, shown);
    }

    private X509Certificate2 WithKey(string certificate, string key)
    {
        string file = files.Key ?? files.Certificate!;
        if (key.Contains("ENCRYPTED PRIVATE KEY-----", StringComparison.Ordinal) || key.Contains("4,ENCRYPTED", StringComparison.Ordinal))
        {
            throw new IOException($"'{file}': the private key is encrypted; it is wanted plain, in a file that only this program can read");
        }

        if (!key.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
        {
            throw new IOException($"'{file}': holds no private key in PEM");
        }

        try
        {
            X509Certificate2 own = X509Certificate2.CreateFromPem(certificate, key);
            if (!OperatingSystem.IsWindows())
            {
                return own;
            }

            // Windows' TLS takes no key that is in memory alone.
            using (own)
            {
                return X509CertificateLoader.LoadPkcs12(own.Export(X509ContentType.Pfx), null);
            }
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new IOException($"'{file}': the private key is damaged or does not fit the certificate in '{files.Certificate}'", e);
        }
    }

    private static X509Certificate2Collection Certificates(string pem, string file)
    {
        X509Certificate2Collection found = [];
        try
        {
            found.ImportFromPem(pem);
        }
        catch (CryptographicException e)
        {
            throw new IOException($"'{file}': a certificate in it is damaged", e);
        }

        return found.Count > 0 ? found : throw new IOException($"'{file}': holds no certificate in PEM");
    }

    private static async Task<string?> TextAsync(string? file, CancellationToken cancellationToken)
    {
        if (file is null)
        {
            return null;
        }

        using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (stream.Length > MaxBytes)
        {
            throw new IOException($"'{file}': {stream.Length} bytes are too many for certificates");
        }

        using StreamReader reader = new(stream);
        return await reader.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
    }

    private sealed record Texts(string? Certificate, string? Key, string? Trust);
}
