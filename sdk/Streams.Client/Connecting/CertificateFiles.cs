namespace Streams.Client;

/// <summary>PEM files for TLS, read again at every connect when they have changed: a renewed certificate needs no restart.</summary>
/// <remarks>Files that cannot be used (missing, half written, a key that does not fit) are told in the log, and what was read last stays
/// in use. Connections that stand keep what they began with.</remarks>
public sealed record CertificateFiles
{
    /// <summary>The client's certificate, and behind it those of the authorities between, if there are such; <see langword="null"/> (the
    /// default) shows none.</summary>
    public string? Certificate { get; init; }

    /// <summary>The private key, not encrypted; <see langword="null"/> (the default) when it stands in the file of the
    /// certificate.</summary>
    public string? Key { get; init; }

    /// <summary>The authorities that clusters' certificates must come from: these alone count. <see langword="null"/> (the default) are
    /// those of the machine, or what <see cref="ClusterOptions.Tls"/> says.</summary>
    public string? Trust { get; init; }
}
