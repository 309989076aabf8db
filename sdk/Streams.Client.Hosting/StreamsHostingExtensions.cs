using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Streams.Client.Hosting;

/// <summary>Adds clients to the generic host.</summary>
public static class StreamsHostingExtensions
{
    /// <summary>Adds a client: <see cref="StreamsClient"/> as a singleton, opened when the host starts and closed when it has
    /// stopped.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="section">Its settings, as in <see cref="StreamsSettings"/>. Read once, at the start.</param>
    public static StreamsBuilder AddStreams(this IServiceCollection services, IConfiguration section) =>
        services.AddStreams(Options.DefaultName, section);

    /// <summary>Adds a client whose settings come from code.</summary>
    public static StreamsBuilder AddStreams(this IServiceCollection services, Action<StreamsSettings> configure) =>
        services.AddStreams(Options.DefaultName, configure);

    /// <summary>Adds a client under a name: a keyed singleton, asked for with <c>[FromKeyedServices(name)]</c>. Each client has an outbox
    /// of its own.</summary>
    public static StreamsBuilder AddStreams(this IServiceCollection services, string name, IConfiguration section)
    {
        ArgumentNullException.ThrowIfNull(section);
        return services.AddStreams(name, settings => SectionReader.Read(section, settings));
    }

    /// <summary>Adds a client under a name, whose settings come from code.</summary>
    /// <exception cref="InvalidOperationException">There is one of that name already.</exception>
    public static StreamsBuilder AddStreams(this IServiceCollection services, string name, Action<StreamsSettings> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(name);
        if (services.Any(s => s.IsKeyedService && s.ServiceType == typeof(HostedClient) && name.Equals(s.ServiceKey)))
        {
            throw new InvalidOperationException(name.Length == 0
                ? "AddStreams: a client without a name was added already; give the second one a name"
                : $"AddStreams: a client '{name}' was added already");
        }

        services.AddOptionsWithValidateOnStart<StreamsSettings>(name).Configure(configure);
        services.AddSingleton<IValidateOptions<StreamsSettings>>(new SettingsValidator(name));
        services.AddKeyedSingleton(name, (provider, _) => new HostedClient(name, provider));
        services.AddKeyedSingleton<StreamsClient>(name, (provider, _) => Hosted(provider, name).Open());
        services.AddSingleton<IHostedService>(provider => new StreamsLifetime(Hosted(provider, name)));
        if (name.Length == 0)
        {
            services.AddSingleton<StreamsClient>(static provider => Hosted(provider, Options.DefaultName).Open());
        }

        return new StreamsBuilder(services, name);
    }

    /// <summary>Adds the health check of a client: is it open, connected, and how much waits in its outbox, against
    /// <see cref="StreamsSettings.Health"/>.</summary>
    /// <param name="builder">From <c>AddHealthChecks()</c>.</param>
    /// <param name="client">Name of the client within the host; empty for the one without.</param>
    /// <param name="checkName">Name of the check. Default <c>streams</c>, or <c>streams-NAME</c>.</param>
    /// <param name="failureStatus">What unhealthy is reported as. Default <see cref="HealthStatus.Unhealthy"/>.</param>
    /// <param name="tags">Tags to choose checks by.</param>
    public static IHealthChecksBuilder AddStreams(this IHealthChecksBuilder builder, string client = "", string? checkName = null,
        HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(new HealthCheckRegistration(
            checkName ?? (client.Length == 0 ? "streams" : $"streams-{client}"),
            provider => new StreamsHealthCheck(Hosted(provider, client), provider.GetRequiredService<IOptionsMonitor<StreamsSettings>>(),
                provider.GetService<TimeProvider>() ?? TimeProvider.System),
            failureStatus, tags));
    }

    private static HostedClient Hosted(IServiceProvider provider, string name) => provider.GetRequiredKeyedService<HostedClient>(name);
}
