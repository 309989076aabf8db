using System.Collections.Immutable;
using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>The clusters that an agent speaks to.</summary>
internal sealed record ClusterOptionsOfAgent
{
    /// <summary>The clusters, the preferred first: 1 to 64.</summary>
    public ImmutableArray<ClusterEndpoint> To { get; init; } = [];

    /// <summary>User name, or <see langword="null"/>.</summary>
    public string? User { get; init; }

    /// <summary>The file with the password, read at each connect; or <see langword="null"/>.</summary>
    public string? PasswordFile { get; init; }

    /// <summary>PEM of the certificate that is shown, or <see langword="null"/>.</summary>
    public string? Certificate { get; init; }

    /// <summary>PEM of its key, or <see langword="null"/> when it stands in the certificate's file.</summary>
    public string? Key { get; init; }

    /// <summary>PEM of the authorities that clusters' certificates must come from, or <see langword="null"/> for those of the
    /// machine.</summary>
    public string? Trust { get; init; }

    /// <summary>The streams whose events go up; <see langword="null"/> (the default) all that applications publish to.</summary>
    public ImmutableArray<StreamPath>? Up { get; init; }

    /// <summary>The streams that are fetched; none by default.</summary>
    public ImmutableArray<DownlinkOptions> Down { get; init; } = [];

    /// <summary>How batches are compressed; none by default.</summary>
    public BatchCompression Compression { get; init; }

    /// <summary>How much may be sent, and when; <see langword="null"/> for no limit.</summary>
    public SendCap? SendCap { get; init; }

    /// <summary>Whether a stream's events go up.</summary>
    public bool GoesUp(StreamPath stream) => !stream.IsSystem && (Up?.Contains(stream) ?? true);

    /// <summary>Whether both say the same.</summary>
    public static bool AreSame(ClusterOptionsOfAgent? a, ClusterOptionsOfAgent? b) => ReferenceEquals(a, b)
        || (a is not null && b is not null && a with { To = b.To, Up = b.Up, Down = b.Down, SendCap = b.SendCap } == b
            && (a.SendCap is null) == (b.SendCap is null) && (a.SendCap is null || (a.SendCap with { Windows = b.SendCap!.Windows }
                == b.SendCap && a.SendCap.Windows.SequenceEqual(b.SendCap.Windows)))
            && a.To.SequenceEqual(b.To)
            && a.Up.HasValue == b.Up.HasValue && (a.Up ?? []).SequenceEqual(b.Up ?? [])
            && a.Down.Length == b.Down.Length && a.Down.Zip(b.Down).All(static d => DownlinkOptions.AreSame(d.First, d.Second)));

    /// <summary>As the agent's side towards the clusters takes it.</summary>
    public ClusterSideOptions ToSide(ClusterName agent) => new()
    {
        Name = agent.Value,
        Clusters = To,
        CertificateFiles = (Certificate ?? Trust) is null ? null
            : new CertificateFiles { Certificate = Certificate, Key = Key, Trust = Trust },
        Credentials = User is null && PasswordFile is null ? null : (_, _) => ValueTask.FromResult<ClusterCredentials?>(
            new ClusterCredentials(User, PasswordFile is { } file ? ClusterReader.Password(file) : null)),
        Compression = Compression,
        SendCap = SendCap,
        Downlinks = [.. Down.Select(static d => d.ToStream())],
    };
}

/// <summary>A stream that is fetched.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Consumer">The name of the cursor.</param>
/// <param name="Filters">Topic filters; none means all.</param>
/// <param name="Start">Where to begin when nobody has the cursor yet.</param>
internal sealed record DownlinkOptions(StreamPath Stream, ConsumerName Consumer, ImmutableArray<string> Filters, StartPosition Start)
{
    /// <summary>As a downlink takes it.</summary>
    public DownlinkStream ToStream() => new(Stream, Consumer) { Filters = Filters, Start = Start };

    /// <summary>Whether both say the same.</summary>
    public static bool AreSame(DownlinkOptions a, DownlinkOptions b) =>
        a with { Filters = b.Filters } == b && a.Filters.SequenceEqual(b.Filters);
}
