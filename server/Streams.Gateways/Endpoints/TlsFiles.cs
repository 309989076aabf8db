using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Streams.Gateways;

/// <summary>The texts of the files that TLS options name, as they stood at one moment.</summary>
/// <param name="Options">The options.</param>
/// <param name="Certificate">Of the certificate and those behind it; <see langword="null"/> when no file is named.</param>
/// <param name="Key">Of the private key, which may be the same text.</param>
/// <param name="ClientCa">Of the certificates that clients' ones must come from; <see langword="null"/> when no file is named.</param>
public sealed record TlsFiles(TlsOptions Options, string? Certificate, string? Key, string? ClientCa)
{
    /// <summary>Far more than any chain of certificates takes: what is larger was named by mistake.</summary>
    private const int MaxBytes = 4 << 20;

    /// <summary>Reads the files; <see langword="null"/> and faults when one of them cannot be read.</summary>
    public static TlsFiles? Read(TlsOptions options, List<string> faults)
    {
        int before = faults.Count;
        TlsNames names = options.Names;
        string? certificate = Text(names.Certificate, options.CertificateFile, faults);
        string? key = options.KeyFile is null ? certificate : Text(names.Key, options.KeyFile, faults);
        string? clientCa = Text(names.ClientCa, options.ClientCaFile, faults);
        return faults.Count == before ? new TlsFiles(options, certificate, key, clientCa) : null;
    }

    /// <summary>Makes of them what endpoints use; <see langword="null"/> and faults when something is wrong with them.</summary>
    public TlsMaterial? Load(DateTimeOffset now, List<string> faults)
    {
        int before = faults.Count;
        X509Certificate2Collection roots = Certificates(Options.Names.ClientCa, Options.ClientCaFile, ClientCa, faults);
        X509Certificate2Collection chain = Certificates(Options.Names.Certificate, Options.CertificateFile, Certificate, faults);
        if (chain.Count == 0)
        {
            return null;
        }

        string place = $"{Options.Names.Certificate} '{Options.CertificateFile}'";
        X509Certificate2 shown = chain[0];
        if (now > shown.NotAfter)
        {
            faults.Add($"{place}: expired on {Moment(shown.NotAfter)}");
        }
        else if (now < shown.NotBefore)
        {
            faults.Add($"{place}: not valid before {Moment(shown.NotBefore)}");
        }

        X509Certificate2? withKey = WithKey(faults);
        if (withKey is null || faults.Count > before)
        {
            return null;
        }

        chain.RemoveAt(0);

        // Offline: nothing is fetched from addresses that a certificate names.
        return new TlsMaterial(withKey, SslStreamCertificateContext.Create(withKey, chain, offline: true), roots);
    }

    /// <summary>A moment in a fault or log line.</summary>
    public static string Moment(DateTime moment) =>
        moment.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private X509Certificate2? WithKey(List<string> faults)
    {
        string file = Options.KeyFile ?? Options.CertificateFile!;
        string place = $"{(Options.KeyFile is null ? Options.Names.Certificate : Options.Names.Key)} '{file}'";
        if (Key!.Contains("ENCRYPTED PRIVATE KEY-----", StringComparison.Ordinal) || Key.Contains("4,ENCRYPTED", StringComparison.Ordinal))
        {
            faults.Add($"{place}: the private key is encrypted; the server wants it plain, in a file that only it can read");
        }
        else if (!Key.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
        {
            faults.Add(Options.KeyFile is null
                ? $"{place}: holds no private key; name its file with {Options.Names.Key}"
                : $"{place}: holds no private key in PEM");
        }
        else
        {
            try
            {
                return X509Certificate2.CreateFromPem(Certificate, Key);
            }
            catch (Exception fault) when (fault is CryptographicException or ArgumentException)
            {
                // Of another kind, or of the same kind and another certificate.
                faults.Add($"{place}: the private key does not fit the certificate in '{Options.CertificateFile}'");
            }
        }

        return null;
    }

    private static X509Certificate2Collection Certificates(string name, string? file, string? text, List<string> faults)
    {
        X509Certificate2Collection found = [];
        if (text is null)
        {
            return found;
        }

        try
        {
            found.ImportFromPem(text);
            if (found.Count == 0)
            {
                faults.Add($"{name} '{file}': holds no certificate in PEM");
            }
        }
        catch (CryptographicException)
        {
            faults.Add($"{name} '{file}': a certificate in it is damaged");
        }

        return found;
    }

    private static string? Text(string name, string? file, List<string> faults)
    {
        if (file is null)
        {
            return null;
        }

        try
        {
            using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (stream.Length <= MaxBytes)
            {
                using StreamReader reader = new(stream);
                return reader.ReadToEnd();
            }

            faults.Add($"{name} '{file}': {stream.Length} bytes are too many for certificates");
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            faults.Add($"{name} '{file}': there is no such file");
        }
        catch (UnauthorizedAccessException)
        {
            faults.Add($"{name} '{file}': may not be read by this user, or is a directory");
        }
        catch (IOException fault)
        {
            faults.Add($"{name} '{file}': cannot be read: {fault.Message.ReplaceLineEndings(" ")}");
        }

        return null;
    }
}

/// <summary>What TLS endpoints show and trust. Connections that began with it keep it when a newer one has come.</summary>
/// <param name="Shown">The server's certificate.</param>
/// <param name="Context">The same, its private key and the intermediate ones, made once for all connections.</param>
/// <param name="Roots">Where clients' certificates must come from.</param>
public sealed record TlsMaterial(X509Certificate2 Shown, SslStreamCertificateContext Context, X509Certificate2Collection Roots);
