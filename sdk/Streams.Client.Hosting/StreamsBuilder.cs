using Microsoft.Extensions.DependencyInjection;

namespace Streams.Client.Hosting;

/// <summary>What more is to be said of a client that was added to a host.</summary>
public sealed class StreamsBuilder
{
    internal StreamsBuilder(IServiceCollection services, string name)
    {
        Services = services;
        Name = name;
    }

    /// <summary>The host's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>The client's name within the host; empty for the one without.</summary>
    public string Name { get; }

    /// <summary>Changes settings by code, behind what was said before.</summary>
    public StreamsBuilder Configure(Action<StreamsSettings> change)
    {
        Services.Configure(Name, change);
        return this;
    }

    /// <summary>Changes settings by code that needs other services: a certificate store, say.</summary>
    public StreamsBuilder Configure(Action<StreamsSettings, IServiceProvider> change)
    {
        Services.AddOptions<StreamsSettings>(Name).Configure<IServiceProvider>(change);
        return this;
    }
}
