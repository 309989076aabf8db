namespace Streams.Gateways;

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

/// <summary>What the parts of <see cref="TlsOptions"/> are called where they are given, for faults.</summary>
/// <param name="Certificate">Of <see cref="TlsOptions.CertificateFile"/>.</param>
/// <param name="Key">Of <see cref="TlsOptions.KeyFile"/>.</param>
/// <param name="ClientCa">Of <see cref="TlsOptions.ClientCaFile"/>.</param>
public sealed record TlsNames(string Certificate, string Key, string ClientCa);

/// <summary>What TLS endpoints show and ask for. The files are looked at again while they are in use.</summary>
public sealed record TlsOptions
{
    /// <summary>What the options are called, for faults. Default: as the options here.</summary>
    public TlsNames Names { get; init; } = new(nameof(CertificateFile), nameof(KeyFile), nameof(ClientCaFile));

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
