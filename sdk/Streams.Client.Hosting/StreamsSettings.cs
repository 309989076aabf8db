using System.Net.Security;
using System.Text;
using Streams.Core;

namespace Streams.Client.Hosting;

/// <summary>What a host's configuration says of a client: <see cref="StreamsClientOptions"/> in a form that sections and code can fill.
/// Where a property is <see langword="null"/> the client's own default holds. Checked when the host starts: all faults are named
/// together.</summary>
public sealed class StreamsSettings
{
    /// <inheritdoc cref="ClusterOptions.Name"/>
    public string? Name { get; set; }

    /// <summary>The clusters as <c>NAME=HOST:PORT</c>, the preferred first. In configuration a list, or one text with commas.</summary>
    public IList<string> Clusters { get; } = [];

    /// <inheritdoc cref="StreamsClientOptions.OutboxPath"/>
    public string? OutboxPath { get; set; }

    /// <inheritdoc cref="StreamsClientOptions.OutboxBytes"/>
    public long? OutboxBytes { get; set; }

    /// <inheritdoc cref="StreamsClientOptions.OutboxRules"/>
    public IList<OutboxRule> OutboxRules { get; } = [];

    /// <inheritdoc cref="StreamsClientOptions.Classes"/>
    public IList<PriorityClass> Classes { get; } = [];

    /// <inheritdoc cref="StreamsClientOptions.Drain"/>
    public DrainOrder? Drain { get; set; }

    /// <inheritdoc cref="StreamsClientOptions.FlushWithin"/>
    public TimeSpan? FlushWithin { get; set; }

    /// <inheritdoc cref="ClusterOptions.SendCap"/>
    public SendCap? SendCap { get; set; }

    /// <inheritdoc cref="ClusterOptions.Compression"/>
    public BatchCompression? Compression { get; set; }

    /// <inheritdoc cref="ClusterOptions.BatchBytes"/>
    public int? BatchBytes { get; set; }

    /// <inheritdoc cref="ClusterOptions.BatchesInFlight"/>
    public int? BatchesInFlight { get; set; }

    /// <inheritdoc cref="ClusterOptions.Linger"/>
    public TimeSpan? Linger { get; set; }

    /// <inheritdoc cref="StreamsClientOptions.Patience"/>
    public TimeSpan? Patience { get; set; }

    /// <inheritdoc cref="StreamsClientOptions.HoldBackEvents"/>
    public int? HoldBackEvents { get; set; }

    /// <inheritdoc cref="StreamsClientOptions.ReceiveBytes"/>
    public int? ReceiveBytes { get; set; }

    /// <inheritdoc cref="ClusterOptions.AnswerTimeout"/>
    public TimeSpan? AnswerTimeout { get; set; }

    /// <summary>First pause between attempts to connect.</summary>
    public TimeSpan? ConnectBackoffFirst { get; set; }

    /// <summary>Longest pause between attempts to connect.</summary>
    public TimeSpan? ConnectBackoffLongest { get; set; }

    /// <inheritdoc cref="ClusterOptions.StableAfter"/>
    public TimeSpan? StableAfter { get; set; }

    /// <inheritdoc cref="ClusterOptions.Order"/>
    public ClusterOrder? Order { get; set; }

    /// <inheritdoc cref="ClusterOptions.FailBackAfter"/>
    public TimeSpan? FailBackAfter { get; set; }

    /// <summary>Whether to speak TLS, with the platform's trust, where <see cref="Tls"/> does not say how. Default
    /// <see langword="false"/>.</summary>
    public bool UseTls { get; set; }

    /// <summary><inheritdoc cref="ClusterOptions.Tls"/> By code only.</summary>
    public SslClientAuthenticationOptions? Tls { get; set; }

    /// <inheritdoc cref="ClusterOptions.CertificateFiles"/>
    public CertificateFiles? CertificateFiles { get; set; }

    /// <inheritdoc cref="ClusterOptions.UserName"/>
    public string? UserName { get; set; }

    /// <inheritdoc cref="ClusterOptions.Password"/>
    public string? Password { get; set; }

    /// <inheritdoc cref="ClusterOptions.KeepAlive"/>
    public TimeSpan? KeepAlive { get; set; }

    /// <inheritdoc cref="ClusterOptions.StoreTraceContext"/>
    public bool? StoreTraceContext { get; set; }

    /// <inheritdoc cref="ClusterOptions.CloseWithin"/>
    public TimeSpan? CloseWithin { get; set; }

    /// <summary>From where on the health check calls the client degraded or unhealthy.</summary>
    public StreamsHealthSettings Health { get; } = new();

    /// <summary>The last word on the client's options, by code; for what has no setting of its own.</summary>
    public Func<StreamsClientOptions, StreamsClientOptions>? Adjust { get; set; }

    /// <summary>What could not be read from a section.</summary>
    internal List<string> SectionFaults { get; } = [];

    /// <summary>The client's options. What cannot be made is added to <paramref name="faults"/>.</summary>
    internal StreamsClientOptions ToOptions(List<string> faults)
    {
        List<ClusterEndpoint> clusters = [];
        foreach (string cluster in Clusters)
        {
            try
            {
                clusters.Add(ClusterEndpoint.Parse(cluster));
            }
            catch (ConfigurationException e)
            {
                faults.Add($"Clusters: {e.Message}");
            }
        }

        StreamsClientOptions made = new() { Name = Name ?? string.Empty, Clusters = clusters, OutboxPath = OutboxPath ?? string.Empty };
        made = made with
        {
            OutboxBytes = OutboxBytes ?? made.OutboxBytes,
            OutboxRules = OutboxRules.Count > 0 ? [.. OutboxRules] : made.OutboxRules,
            Classes = Classes.Count > 0 ? [.. Classes] : made.Classes,
            Drain = Drain ?? made.Drain,
            FlushWithin = FlushWithin ?? made.FlushWithin,
            SendCap = SendCap ?? made.SendCap,
            Compression = Compression ?? made.Compression,
            StableAfter = StableAfter ?? made.StableAfter,
            Order = Order ?? made.Order,
            CertificateFiles = CertificateFiles ?? made.CertificateFiles,
            BatchBytes = BatchBytes ?? made.BatchBytes,
            BatchesInFlight = BatchesInFlight ?? made.BatchesInFlight,
            Linger = Linger ?? made.Linger,
            Patience = Patience ?? made.Patience,
            HoldBackEvents = HoldBackEvents ?? made.HoldBackEvents,
            ReceiveBytes = ReceiveBytes ?? made.ReceiveBytes,
            AnswerTimeout = AnswerTimeout ?? made.AnswerTimeout,
            ConnectBackoff = (ConnectBackoffFirst ?? made.ConnectBackoff.First, ConnectBackoffLongest ?? made.ConnectBackoff.Longest),
            FailBackAfter = FailBackAfter ?? made.FailBackAfter,
            Tls = Tls ?? (UseTls ? new SslClientAuthenticationOptions() : null),
            UserName = UserName,
            Password = Password is null ? null : Encoding.UTF8.GetBytes(Password),
            KeepAlive = KeepAlive ?? made.KeepAlive,
            StoreTraceContext = StoreTraceContext ?? made.StoreTraceContext,
            CloseWithin = CloseWithin ?? made.CloseWithin,
        };
        return Adjust?.Invoke(made) ?? made;
    }
}
