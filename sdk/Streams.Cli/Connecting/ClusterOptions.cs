using System.CommandLine;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Streams.Client;
using Streams.Core;

namespace Streams.Cli;

/// <summary>The options of verbs that speak to clusters over MQTT, and the client made of them.</summary>
internal sealed class ClusterOptions
{
    private const string Variable = "STREAMS_CLUSTERS";

    // Every verb has waited for what it wants before it closes: this is for the last notes of confirmations alone.
    private static readonly TimeSpan CloseWithin = TimeSpan.FromSeconds(1);

    private readonly Option<ClusterEndpoint[]> _clusters = Reading.Options<ClusterEndpoint>("--cluster", "NAME=HOST:PORT",
        $"A cluster, the preferred first; may stand several times. Else the variable {Variable}, parted by commas", Endpoint);

    private readonly Option<string?> _outbox = new("--outbox")
    {
        Description = "The outbox file to use; else a temporary one",
        HelpName = "FILE",
    };

    private readonly Option<string?> _name = new("--name") { Description = "Name of this device for the cluster", HelpName = "NAME" };
    private readonly Option<string?> _user = new("--user") { Description = "User name", HelpName = "NAME" };
    private readonly Option<string?> _password = new("--password-file") { Description = "File with the password", HelpName = "FILE" };
    private readonly Option<bool> _tls = new("--tls") { Description = "Speak TLS" };
    private readonly Option<string?> _authority = new("--tls-ca")
    {
        Description = "Certificates (PEM) that the cluster's must come from; else those of the system",
        HelpName = "FILE",
    };

    private readonly Option<string?> _certificate = new("--tls-certificate")
    {
        Description = "Certificate (PEM) of this client",
        HelpName = "FILE",
    };

    private readonly Option<string?> _key = new("--tls-key")
    {
        Description = "Its private key (PEM); else in the same file",
        HelpName = "FILE",
    };

    private readonly Option<TimeSpan> _timeout = Reading.Option("--timeout", "DURATION",
        "How long to wait for a cluster, or for the next thing to be stored", Reading.Duration, static () => TimeSpan.FromSeconds(30));

    private readonly Option<string?> _keys = OutboxKeys.Option();
    private readonly Option<bool> _verbose = new("--verbose") { Description = "Write the client's log to standard error" };
    private readonly CliContext _context;

    /// <summary>Adds the options to a command.</summary>
    public ClusterOptions(CliContext context, Command command, bool outbox = true)
    {
        _context = context;
        foreach (Option option in new Option[]
            { _clusters, _name, _user, _password, _tls, _authority, _certificate, _key, _timeout, _verbose, _keys })
        {
            command.Options.Add(option);
        }

        if (outbox)
        {
            command.Options.Add(_outbox);
        }
    }

    /// <summary>How long to wait.</summary>
    public TimeSpan Timeout(ParseResult parsed) => parsed.GetValue(_timeout);

    /// <summary>How long to wait; something else when the command line does not say.</summary>
    public TimeSpan Timeout(ParseResult parsed, TimeSpan otherwise) =>
        parsed.GetResult(_timeout) is { Implicit: false } ? parsed.GetValue(_timeout) : otherwise;

    /// <summary>The outbox file named, or <see langword="null"/>.</summary>
    public string? Outbox(ParseResult parsed) => parsed.GetValue(_outbox);

    /// <summary>Whether the command line names clusters.</summary>
    public bool AreGiven(ParseResult parsed) => parsed.GetValue(_clusters) is { Length: > 0 };

    /// <summary>The clusters named.</summary>
    /// <exception cref="CliException">None is, or the variable is faulty.</exception>
    public IReadOnlyList<ClusterEndpoint> Clusters(ParseResult parsed)
    {
        if (parsed.GetValue(_clusters) is { Length: > 0 } given)
        {
            return given;
        }

        string? variable = Environment.GetEnvironmentVariable(Variable);
        if (string.IsNullOrWhiteSpace(variable))
        {
            throw new CliException(ExitCode.Usage, $"name a cluster: --cluster sj=127.0.0.1:1883, or in the variable {Variable}");
        }

        List<ClusterEndpoint> clusters = [];
        foreach (string text in variable.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            clusters.Add(Endpoint(text, out ClusterEndpoint cluster, out string? fault) ? cluster
                : throw new CliException(ExitCode.Usage, $"{Variable}: {fault}"));
        }

        return clusters;
    }

    /// <summary>Opens a client.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="change">Changes the options further.</param>
    /// <param name="outbox">An outbox file instead of the one named.</param>
    /// <param name="clusters">Clusters instead of those named.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<OpenClient> OpenAsync(ParseResult parsed, Func<StreamsClientOptions, StreamsClientOptions>? change = null,
        string? outbox = null, IReadOnlyList<ClusterEndpoint>? clusters = null, CancellationToken cancellationToken = default)
    {
        clusters ??= Clusters(parsed);
        LastWarning warning = new(parsed.GetValue(_verbose) ? _context.Terminal.Error : null);
        string? file = outbox ?? Outbox(parsed);
        if (file is not null)
        {
            OutboxFiles.CheckUsable(file);
        }

        string? temporary = file is null ? Directory.CreateTempSubdirectory("streams-").FullName : null;
        StreamsClientOptions options = new()
        {
            Name = parsed.GetValue(_name) ?? $"streams-cli-{_context.Chance.Next():x8}",
            Clusters = clusters,
            OutboxPath = file ?? Path.Combine(temporary!, "outbox.db"),
            OutboxEncryption = OutboxKeys.Read(parsed.GetValue(_keys)),
            Tls = Tls(parsed),
            UserName = parsed.GetValue(_user),
            Password = parsed.GetValue(_password) is { } secret ? Secret(secret) : null,
            FailBackAfter = System.Threading.Timeout.InfiniteTimeSpan,
            CloseWithin = CloseWithin,
        };
        options = change?.Invoke(options) ?? options;
        try
        {
            StreamsClient client = await StreamsClient.OpenAsync(options, warning, _context.Time, _context.Chance, cancellationToken);
            return new OpenClient(client, options, temporary, warning, _context);
        }
        catch
        {
            if (temporary is not null)
            {
                Directory.Delete(temporary, recursive: true);
            }

            throw;
        }
    }

    private static bool Endpoint(string? text, out ClusterEndpoint value, out string? fault)
    {
        try
        {
            value = ClusterEndpoint.Parse(text ?? string.Empty);
            fault = null;
            return true;
        }
        catch (ConfigurationException e)
        {
            value = null!;
            fault = e.Message;
            return false;
        }
    }

    private static byte[] Secret(string file) => File.ReadAllBytes(file).AsSpan().TrimEnd("\r\n"u8).ToArray();

    private SslClientAuthenticationOptions? Tls(ParseResult parsed)
    {
        (string? authority, string? certificate) = (parsed.GetValue(_authority), parsed.GetValue(_certificate));
        if (!parsed.GetValue(_tls))
        {
            return authority is null && certificate is null ? null
                : throw new CliException(ExitCode.Usage, "--tls-ca and --tls-certificate are of no use without --tls");
        }

        SslClientAuthenticationOptions options = new();
        try
        {
            if (authority is not null)
            {
                X509ChainPolicy policy = new()
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    RevocationMode = X509RevocationMode.NoCheck,
                };
                policy.CustomTrustStore.ImportFromPemFile(authority);
                options.CertificateChainPolicy = policy;
            }

            if (certificate is not null)
            {
                options.ClientCertificates = [X509Certificate2.CreateFromPemFile(certificate, parsed.GetValue(_key) ?? certificate)];
            }
        }
        catch (CryptographicException e)
        {
            throw new CliException(ExitCode.Usage, $"{(options.CertificateChainPolicy is null ? authority : certificate)}: {e.Message}");
        }

        return options;
    }
}
