using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Streams.Client.Tests;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Hosting.Tests;

/// <summary>A host with its configuration, and a cluster behind real MQTT.</summary>
internal sealed class HostStory : IAsyncDisposable
{
    public static readonly StreamPath Fleet = StreamPath.Parse("/fleet");
    public static readonly TopicName Topic = TopicName.Parse("t");
    private readonly TemporaryDirectory _directory = new();
    private readonly ScriptedWorld _world = new("a");
    private readonly CollectingLoggerProvider _logs = new();

    public HostStory()
    {
        Wire = new WireCluster(_world["a"]);
        Builder = Host.CreateEmptyApplicationBuilder(null);
        Builder.Logging.AddProvider(_logs);
    }

    public HostApplicationBuilder Builder { get; }

    public WireCluster Wire { get; }

    public ScriptedCluster Cluster => _world["a"];

    public CollectingLoggerProvider Logs => _logs;

    public string Outbox(string name = "") => Path.Combine(_directory.FullName, $"outbox{name}.db");

    /// <summary>Settings that work, under a section, and what a test adds to them or replaces.</summary>
    public IConfiguration Section(string name, params (string Key, string? Value)[] more)
    {
        Dictionary<string, string?> values = new()
        {
            [$"{name}:Name"] = "car-17",
            [$"{name}:Clusters"] = $"a=127.0.0.1:{Wire.Endpoint.Port}",
            [$"{name}:OutboxPath"] = Outbox(name),
            [$"{name}:ConnectBackoffFirst"] = "00:00:00.010",
            [$"{name}:ConnectBackoffLongest"] = "00:00:00.050",
        };
        foreach ((string key, string? value) in more)
        {
            values[$"{name}:{key}"] = value;
        }

        Builder.Configuration.AddInMemoryCollection(values);
        return Builder.Configuration.GetSection(name);
    }

    public static async Task<HealthReportEntry> HealthAsync(IHost host, string check = "streams") =>
        (await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Entries[check];

    public async ValueTask DisposeAsync()
    {
        await Wire.DisposeAsync();
        _directory.Dispose();
    }
}
