using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Streams.Core;

namespace Streams.Client.Hosting;

/// <summary>Looks at one client. It opens none: one that the host has not opened yet, could not open or has closed is unhealthy.</summary>
internal sealed class StreamsHealthCheck(HostedClient hosted, IOptionsMonitor<StreamsSettings> settings, TimeProvider time) : IHealthCheck
{
    /// <inheritdoc/>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (hosted.Opened is not { } opened)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, "not open yet");
        }

        ClientStatus status;
        try
        {
            status = await (await opened.ConfigureAwait(false)).GetStatusAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is StreamsException or OptionsValidationException or ObjectDisposedException)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, e is ObjectDisposedException ? "closed" : e.Message, e);
        }

        (HealthStatus judged, string description) = HealthRules.Judge(status, settings.Get(hosted.Name).Health, time.GetUtcNow());
        return new HealthCheckResult(judged == HealthStatus.Unhealthy ? context.Registration.FailureStatus : judged, description,
            data: new Dictionary<string, object>
            {
                ["connectedTo"] = status.ConnectedTo?.Value ?? string.Empty,
                ["outboxEvents"] = status.OutboxEvents,
                ["outboxBytes"] = status.OutboxBytes,
            });
    }
}
