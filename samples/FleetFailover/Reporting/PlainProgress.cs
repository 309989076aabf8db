namespace FleetFailover;

/// <summary>One line a second, for logs and pipes.</summary>
internal sealed class PlainProgress(TextWriter output, TimeProvider time) : IProgressView
{
    public async Task ShowAsync(Func<FleetFigures> figures, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await output.WriteLineAsync(Line(figures()));
                await Task.Delay(TimeSpan.FromSeconds(1), time, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    internal static string Line(FleetFigures now)
    {
        string clusters = string.Join("  ",
            now.Clusters.Select(cluster => $"{cluster.Name} {(cluster.IsUp ? "up" : "DOWN")} {cluster.Cars}"));
        string lastEvent = now.LastEvent.Length == 0 ? string.Empty : $"  [{now.LastEvent}]";
        return $"{now.Elapsed.TotalSeconds,6:0.0}s  {clusters}  back end {now.BackEndAt}  published {now.Published}  "
            + $"acknowledged {now.Acknowledged}  delivered {now.Delivered}  commands {now.CommandsDelivered}/{now.CommandsSent}  "
            + $"outboxes {now.InOutboxes}  {now.Phase}{lastEvent}";
    }
}
