using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Streams.Client.Hosting;

/// <summary>Says how well a client is, from what it says of itself.</summary>
internal static class HealthRules
{
    /// <summary>The worst that a threshold says, and all reasons for it.</summary>
    public static (HealthStatus Status, string Description) Judge(ClientStatus status, StreamsHealthSettings limits, DateTimeOffset now)
    {
        HealthStatus worst = HealthStatus.Healthy;
        List<string> reasons = [];
        int percent = (int)Math.Min(int.MaxValue, status.OutboxBytes * 100.0 / status.OutboxLimit);
        TimeSpan age = status.OldestEvent is { } oldest && oldest < now ? now - oldest : TimeSpan.Zero;
        if (status.ConnectedTo is null)
        {
            Weigh(status.DisconnectedFor, limits.DegradedDisconnected, limits.UnhealthyDisconnected,
                $"no cluster for {Short(status.DisconnectedFor)}");
        }

        if (status.OutboxEvents > 0)
        {
            Weigh(status.OutboxEvents, limits.DegradedEvents, limits.UnhealthyEvents, $"{status.OutboxEvents} events wait");
            Weigh(percent, limits.DegradedPercent, limits.UnhealthyPercent, $"the outbox is full to {percent} %");
            Weigh(age, limits.DegradedAge, limits.UnhealthyAge, $"the oldest event waits for {Short(age)}");
        }

        return (worst, reasons.Count > 0 ? string.Join("; ", reasons) : status.ConnectedTo is { } cluster
            ? $"connected to {cluster}, {status.OutboxEvents} events wait" : $"not connected, {status.OutboxEvents} events wait");

        void Weigh<T>(T value, T? degraded, T? unhealthy, string reason)
            where T : struct, IComparable<T>
        {
            HealthStatus found = unhealthy is { } u && value.CompareTo(u) >= 0 ? HealthStatus.Unhealthy
                : degraded is { } d && value.CompareTo(d) >= 0 ? HealthStatus.Degraded : HealthStatus.Healthy;
            if (found != HealthStatus.Healthy)
            {
                reasons.Add(reason);
                worst = found < worst ? found : worst;           // the enumeration goes from unhealthy up
            }
        }
    }

    private static string Short(TimeSpan span) => span.TotalSeconds < 1 ? $"{span.TotalMilliseconds:0} ms"
        : span.ToString(span.TotalDays >= 1 ? @"d\.hh\:mm\:ss" : @"hh\:mm\:ss");
}
