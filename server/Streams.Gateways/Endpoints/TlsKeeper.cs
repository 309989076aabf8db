using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Gateways;

/// <summary>Has what TLS endpoints show and trust, and takes it anew when its files changed: for new connections, running ones
/// stay.</summary>
/// <remarks>Files that cannot be used (half written, a key that does not fit yet, expired) are told of once, and what was in use stays in
/// use.</remarks>
public sealed class TlsKeeper : IAsyncDisposable
{
    /// <summary>How soon a changed file is noticed. The files are small and read whole: file systems' notices miss what is renamed or
    /// linked into place, which is how certificates are renewed.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <summary>Time for the handshake: as for CONNECT after it.</summary>
    public static readonly TimeSpan HandshakeLimit = TimeSpan.FromSeconds(10);

    private readonly TlsOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private volatile TlsMaterial _material;
    private TlsFiles? _seen;
    private string? _told;

    private TlsKeeper(TlsOptions options, TlsFiles seen, TlsMaterial material, TimeProvider time, ILogger logger)
    {
        _options = options;
        _seen = seen;
        _material = material;
        _time = time;
        _logger = logger;
        Tell();
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Reads the files and begins to watch them.</summary>
    /// <exception cref="ConfigurationException">Something is wrong with them; every fault is a line.</exception>
    public static TlsKeeper Open(TlsOptions options, TimeProvider time, ILogger logger)
    {
        List<string> faults = [];
        TlsFiles? files = TlsFiles.Read(options, faults);
        return files?.Load(time.GetUtcNow(), faults) is { } material
            ? new TlsKeeper(options, files, material, time, logger)
            : throw new ConfigurationException(string.Join('\n', faults));
    }

    /// <summary>Makes an endpoint speak TLS, 1.2 or 1.3.</summary>
    /// <param name="listen">The endpoint.</param>
    /// <param name="protocols">What is spoken inside, for clients that want to agree on it (ALPN); none to take whatever they
    /// name.</param>
    public void Secure(ListenOptions listen, params SslApplicationProtocol[] protocols) => listen.UseHttps(new TlsHandshakeCallbackOptions
    {
        HandshakeTimeout = HandshakeLimit,
        OnConnection = _ => ValueTask.FromResult(Handshake(_material, protocols)),
    });

    /// <summary>Stops watching the files.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
    }

    private SslServerAuthenticationOptions Handshake(TlsMaterial material, SslApplicationProtocol[] protocols)
    {
        SslServerAuthenticationOptions handshake = new()
        {
            ServerCertificateContext = material.Context,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ApplicationProtocols = [.. protocols],
            AllowRenegotiation = false,
        };
        if (_options.Client != ClientCertificates.None)
        {
            handshake.ClientCertificateRequired = true;
            handshake.CertificateChainPolicy = Policy(material.Roots);
            handshake.RemoteCertificateValidationCallback = _options.Client == ClientCertificates.Required ? null
                : static (_, certificate, _, errors) => certificate is null || errors == SslPolicyErrors.None;
        }

        return handshake;
    }

    // Only the named roots count, not those of the machine: a public authority gives certificates to everybody.
    private static X509ChainPolicy Policy(X509Certificate2Collection roots)
    {
        X509ChainPolicy policy = new()
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(roots);
        return policy;
    }

    private async Task RunAsync()
    {
        using PeriodicTimer timer = new(Interval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
            {
                Look();
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Told to end.
        }
    }

    private void Look()
    {
        List<string> faults = [];
        try
        {
            TlsFiles? files = TlsFiles.Read(_options, faults);
            if (files is null || files != _seen || _told is not null)
            {
                _seen = files;
                if (files?.Load(_time.GetUtcNow(), faults) is { } material)
                {
                    _material = material;
                    _told = null;
                    Tell();
                    return;
                }
            }
        }
        catch (Exception fault)
        {
            faults.Add(fault.Message.ReplaceLineEndings(" "));
        }

        string all = string.Join("; ", faults);
        if (faults.Count > 0 && all != _told)
        {
            _told = all;
            EndpointLog.CertificateNotTaken(_logger, all);
        }
    }

    private void Tell() => EndpointLog.CertificateTaken(_logger, _material.Shown.Subject, TlsFiles.Moment(_material.Shown.NotAfter));
}
