namespace Streams.Server;

/// <summary>Whether a client shows a certificate when it connects.</summary>
public enum ClientCertificates
{
    /// <summary>It is not asked.</summary>
    None,

    /// <summary>It is asked and may have none; one that it shows must be good.</summary>
    Optional,

    /// <summary>Without a good one the connection ends in the handshake.</summary>
    Required,
}

/// <summary>What all TLS endpoints of a server show and ask for. The files are looked at again while the server runs.</summary>
public sealed record TlsOptions
{
    /// <summary>The server's certificate and behind it, if any, the intermediate ones, in PEM. Default none: there is no TLS
    /// endpoint.</summary>
    public string? CertificateFile { get; init; }

    /// <summary>The private key, in PEM and not encrypted. Default: it stands in <see cref="CertificateFile"/>.</summary>
    public string? KeyFile { get; init; }

    /// <summary>Whether clients show a certificate. Default none.</summary>
    public ClientCertificates Client { get; init; }

    /// <summary>The certificates, in PEM, that clients' certificates must come from; nothing else is trusted. Needed, and allowed, only
    /// when clients are asked.</summary>
    public string? ClientCaFile { get; init; }
}
