using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Streams.Client;
using Streams.Core;

namespace WorkerService;

/// <summary>Reads the telemetry back, as a dashboard would, and acknowledges it. Ends the service when it has seen all samples asked
/// for.</summary>
internal sealed class DashboardWorker(StreamsClient client, IConfiguration configuration, IHostApplicationLifetime lifetime,
    ILogger<DashboardWorker> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        int samples = configuration.GetValue("Samples", 0);
        int seen = 0;
        await using StreamsConsumer consumer = await client.ConsumeAsync(new ConsumerOptions
        {
            Name = ConsumerName.Parse("dashboard"),
            Stream = Names.Fleet,
            Filters = ["+/telemetry"],
        }, stoppingToken);
        await foreach (ReceivedEvent<Telemetry> received in consumer.ReadAllAsync(Names.Json, stoppingToken))
        {
            if (received.TryGetValue(out Telemetry? telemetry))
            {
                logger.LogInformation("{Topic}: sample {Number}, {Speed} km/h", received.Event.Topic, telemetry.Number, telemetry.Speed);
            }
            else
            {
                logger.LogWarning("{Place} is no telemetry: {Fault}", received.Event.Place, received.Fault!.Message);
            }

            received.Acknowledge();
            if (++seen == samples)
            {
                lifetime.StopApplication();
            }
        }
    }
}
