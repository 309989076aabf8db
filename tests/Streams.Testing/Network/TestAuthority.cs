using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Streams.Testing;

/// <summary>What a certificate may be used for.</summary>
public enum CertificateUse
{
    Server,
    Client,

    /// <summary>Both, as members of etcd need it: they also connect to themselves.</summary>
    Both,
}

/// <summary>An authority that a test makes for itself: nothing of it outlives the test, nothing else trusts it.</summary>
public sealed class TestAuthority : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly DateTimeOffset _now;
    private long _serial;

    /// <param name="name">Its common name.</param>
    /// <param name="time">The clock, by which certificates are valid or not.</param>
    /// <param name="above">Who vouches for it; nobody but itself when null.</param>
    public TestAuthority(string name, TimeProvider time, TestAuthority? above = null)
    {
        _now = time.GetUtcNow();
        CertificateRequest request = new($"CN={name}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        Certificate = above is null
            ? request.CreateSelfSigned(_now.AddYears(-10), _now.AddYears(10))
            : request.Create(above.Certificate.SubjectName, above.Signer, _now.AddYears(-5), _now.AddYears(5), above.NextSerial());
    }

    public X509Certificate2 Certificate { get; }

    public string Pem => Certificate.ExportCertificatePem();

    /// <summary>A certificate that is valid from yesterday until <paramref name="days"/> from now, which may be past.</summary>
    /// <param name="subject">The distinguished name, as in <c>CN=car-17</c>.</param>
    /// <param name="use">What it may be used for. A server's is good for localhost and 127.0.0.1.</param>
    /// <param name="days">Days from now until its end.</param>
    /// <param name="from">Days from now until its beginning.</param>
    /// <param name="host">Of localhost and 127.0.0.1 the one that it is good for; both when null.</param>
    /// <param name="rsa">Whether its key is RSA; else it is one of an elliptic curve.</param>
    public IssuedCertificate Issue(
        string subject, CertificateUse use = CertificateUse.Server, double days = 30, double from = -100, bool rsa = false,
        string? host = null)
    {
        using AsymmetricAlgorithm key = rsa ? RSA.Create(2048) : ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = key is RSA rsaKey
            ? new(subject, rsaKey, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : new(subject, (ECDsa)key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        OidCollection uses = [];
        if (use != CertificateUse.Client)
        {
            uses.Add(new Oid("1.3.6.1.5.5.7.3.1"));
        }

        if (use != CertificateUse.Server)
        {
            uses.Add(new Oid("1.3.6.1.5.5.7.3.2"));
        }

        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(uses, false));
        SubjectAlternativeNameBuilder names = new();
        if (host != "127.0.0.1")
        {
            names.AddDnsName("localhost");
        }

        if (host != "localhost")
        {
            names.AddIpAddress(IPAddress.Loopback);
        }

        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 made = request.Create(
            Certificate.SubjectName, Signer, _now.AddDays(from), _now.AddDays(days), NextSerial());
        return new IssuedCertificate(made.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    private X509SignatureGenerator Signer => X509SignatureGenerator.CreateForECDsa(_key);

    private byte[] NextSerial() => BitConverter.GetBytes(++_serial);

    public void Dispose()
    {
        Certificate.Dispose();
        _key.Dispose();
    }
}

/// <summary>A certificate and its private key, in PEM.</summary>
public sealed record IssuedCertificate(string Certificate, string Key)
{
    /// <summary>Both, for a client of this process; the caller disposes it.</summary>
    public X509Certificate2 ToCertificate() => X509Certificate2.CreateFromPem(Certificate, Key);
}
