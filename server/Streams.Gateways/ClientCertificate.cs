using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Streams.Gateways;

/// <summary>The certificate by which a client has shown who it is: checked already, up to a root that the operator named.</summary>
/// <param name="Subject">The distinguished name, as in <c>CN=car-17, O=Fleet</c>.</param>
/// <param name="CommonName">The simple name of the subject: its CN where there is one.</param>
/// <param name="Thumbprint">SHA-256 of the certificate, in hexadecimal capitals.</param>
public sealed record ClientCertificate(string Subject, string CommonName, string Thumbprint)
{
    /// <summary>What is kept of a certificate, which may be disposed afterwards; <see langword="null"/> for none.</summary>
    public static ClientCertificate? Of(X509Certificate2? certificate) => certificate is null ? null : new ClientCertificate(
        certificate.Subject,
        certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false),
        certificate.GetCertHashString(HashAlgorithmName.SHA256));
}
