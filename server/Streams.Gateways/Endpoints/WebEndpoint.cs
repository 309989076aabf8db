using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Gateways;

/// <summary>One listening endpoint on a web server of its own, so that each begins and ends when its turn has come.</summary>
public sealed class WebEndpoint : IAsyncDisposable
{
    private readonly WebApplication _app;

    private WebEndpoint(WebApplication app, IPEndPoint address)
    {
        _app = app;
        Address = address;
    }

    /// <summary>Where it listens, the port it was given included.</summary>
    public IPEndPoint Address { get; }

    /// <summary>Listens.</summary>
    /// <param name="name">The option that names the address, for the fault line.</param>
    /// <param name="at">The address.</param>
    /// <param name="log">Where the web server logs.</param>
    /// <param name="services">Adds services.</param>
    /// <param name="listen">Says what is spoken there.</param>
    /// <param name="map">Adds routes.</param>
    /// <param name="cancellationToken">Gives up starting.</param>
    /// <param name="limits">Changes limits of the web server.</param>
    /// <exception cref="TryAgainException">The address cannot be listened on.</exception>
    public static async Task<WebEndpoint> StartAsync(string name, ListenAddress at, ILoggerFactory log, Action<IServiceCollection> services,
        Action<ListenOptions> listen, Action<WebApplication> map, CancellationToken cancellationToken,
        Action<KestrelServerLimits>? limits = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        ListenOptions? bound = null;
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 16 << 10;   // settings of a stream; all else is only read
            limits?.Invoke(kestrel.Limits);
            kestrel.Listen(at.ToEndPoint(), options =>
            {
                bound = options;
                listen(options);
            });
        });
        builder.Services.AddRouting();
        builder.Services.AddSingleton(log);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(2));
        services(builder.Services);
        WebApplication app = builder.Build();
        try
        {
            map(app);
            await app.StartAsync(cancellationToken).ConfigureAwait(false);
            return new WebEndpoint(app, bound!.IPEndPoint ?? at.ToEndPoint());
        }
        catch (Exception fault)
        {
            await app.DisposeAsync().ConfigureAwait(false);
            if (fault is IOException or SocketException)
            {
                throw new TryAgainException($"{name} {at}: {Why(fault)}", fault);
            }

            throw;
        }
    }

    /// <summary>Stops listening, lets requests end for a short while, and then ends them.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync().ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
    }

    private static string Why(Exception fault) => fault switch
    {
        { InnerException: AddressInUseException } => "the port is in use by another program",
        SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse } => "the port is in use by another program",
        SocketException { SocketErrorCode: SocketError.AccessDenied } => "it is not permitted (ports below 1024 need a privilege)",
        SocketException { SocketErrorCode: SocketError.AddressNotAvailable } => "this machine has no such address",
        _ => fault.Message.ReplaceLineEndings(" "),
    };
}
