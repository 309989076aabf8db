using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace WorkerService;

/// <summary>Logs the health checks; a web application would map them to an endpoint instead.</summary>
internal sealed class HealthLog(ILogger<HealthLog> logger) : IHealthCheckPublisher
{
    public Task PublishAsync(HealthReport report, CancellationToken cancellationToken)
    {
        foreach ((string name, HealthReportEntry entry) in report.Entries)
        {
            logger.LogInformation("health of {Name}: {Status}, {Description}", name, entry.Status, entry.Description);
        }

        return Task.CompletedTask;
    }
}
