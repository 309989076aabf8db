using System.Net.Security;

namespace Streams.Mqtt;

/// <summary>Names the host of one connection in options that many connections share.</summary>
internal static class TlsTarget
{
    /// <summary>The same options when they name a host, else a copy that names this one: written into the shared options the first host
    /// would be asked of all others as well, and a client could never go from one cluster to another.</summary>
    internal static SslClientAuthenticationOptions For(SslClientAuthenticationOptions tls, string host)
    {
        if (!string.IsNullOrEmpty(tls.TargetHost))
        {
            return tls;
        }

        SslClientAuthenticationOptions named = Copy(tls);
        named.TargetHost = host;
        return named;
    }

    /// <summary>A copy that can be changed while the original is in use.</summary>
    public static SslClientAuthenticationOptions Copy(SslClientAuthenticationOptions tls)
    {
        SslClientAuthenticationOptions named = new()
        {
            TargetHost = tls.TargetHost,
            AllowRenegotiation = tls.AllowRenegotiation,
            AllowTlsResume = tls.AllowTlsResume,
            ApplicationProtocols = tls.ApplicationProtocols,
            CertificateChainPolicy = tls.CertificateChainPolicy,
            CertificateRevocationCheckMode = tls.CertificateRevocationCheckMode,
            CipherSuitesPolicy = tls.CipherSuitesPolicy,
            ClientCertificateContext = tls.ClientCertificateContext,
            ClientCertificates = tls.ClientCertificates,
            EnabledSslProtocols = tls.EnabledSslProtocols,
            EncryptionPolicy = tls.EncryptionPolicy,
            LocalCertificateSelectionCallback = tls.LocalCertificateSelectionCallback,
            RemoteCertificateValidationCallback = tls.RemoteCertificateValidationCallback,
        };
        if (OperatingSystem.IsLinux() || OperatingSystem.IsWindows())
        {
            named.AllowRsaPkcs1Padding = tls.AllowRsaPkcs1Padding;
            named.AllowRsaPssPadding = tls.AllowRsaPssPadding;
        }

        return named;
    }
}
