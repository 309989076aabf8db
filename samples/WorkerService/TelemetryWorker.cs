using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Streams.Client;

namespace WorkerService;

/// <summary>Publishes what the car measures, ten times a second. No cluster need be there: the outbox holds it.</summary>
internal sealed class TelemetryWorker(StreamsClient client, IConfiguration configuration, ILogger<TelemetryWorker> logger)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        int samples = configuration.GetValue("Samples", 0);      // 0: for ever
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(100));
        for (int number = 1; samples == 0 || number <= samples; number++)
        {
            await client.PublishAsync(Names.Fleet, Names.Telemetry, new Telemetry(number, 50 + (number % 30)), Names.Json,
                cancellationToken: stoppingToken);
            await timer.WaitForNextTickAsync(stoppingToken);
        }

        logger.LogInformation("published {Samples} samples", samples);
    }
}
