// A service in the generic host: one worker publishes telemetry, another reads it back, and the health of the client is logged.
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Streams.Client.Hosting;
using WorkerService;

HostApplicationBuilder builder = Host.CreateApplicationBuilder(
    new HostApplicationBuilderSettings { Args = args, ContentRootPath = AppContext.BaseDirectory });
builder.Services.AddStreams(builder.Configuration.GetSection("Streams"));
builder.Services.AddHealthChecks().AddStreams();
builder.Services.AddSingleton<IHealthCheckPublisher, HealthLog>();
builder.Services.Configure<HealthCheckPublisherOptions>(static options =>
{
    options.Delay = TimeSpan.FromSeconds(1);
    options.Period = TimeSpan.FromSeconds(5);
});
builder.Services.AddHostedService<DashboardWorker>();
builder.Services.AddHostedService<TelemetryWorker>();
await builder.Build().RunAsync();
