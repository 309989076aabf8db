using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Streams.Client.Hosting;

/// <summary>One client of a host: opened once, by the host's start or by whoever asks first.</summary>
/// <remarks>Failure: an opening that failed is kept, and everybody who asks is told the same.</remarks>
internal sealed class HostedClient(string name, IServiceProvider services) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private Task<StreamsClient>? _opened;

    /// <summary>Under which name it was added.</summary>
    public string Name => name;

    /// <summary>Its opening, once somebody has asked.</summary>
    public Task<StreamsClient>? Opened => Volatile.Read(ref _opened);

    /// <summary>Opens it, or gives the one that is open.</summary>
    public Task<StreamsClient> OpenAsync()
    {
        lock (_lock)
        {
            return _opened ??= Task.Run(OpenNowAsync);
        }
    }

    /// <summary>The client, for a constructor that cannot wait otherwise: opening needs the disk alone, no network.</summary>
    public StreamsClient Open() => OpenAsync().GetAwaiter().GetResult();

    /// <summary>Sends what can be sent in time and closes. More calls do nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Opened is { } opened)
        {
            StreamsClient client;
            try
            {
                client = await opened.ConfigureAwait(false);
            }
            catch (Exception)
            {
                return;                                          // told to whoever opened it
            }

            await client.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task<StreamsClient> OpenNowAsync()
    {
        // Reading the settings checks them: all faults are in the exception.
        StreamsSettings settings = services.GetRequiredService<IOptionsMonitor<StreamsSettings>>().Get(name);
        return await StreamsClient.OpenAsync(settings.ToOptions([]), services.GetService<ILoggerFactory>(),
            services.GetService<TimeProvider>()).ConfigureAwait(false);
    }
}
