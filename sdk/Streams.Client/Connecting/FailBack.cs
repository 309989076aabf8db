using Microsoft.Extensions.Logging;

namespace Streams.Client;

/// <summary>While connected elsewhere: looks whether the preferred cluster answers again, and for long enough; carries out what
/// <see cref="FailBackPlan"/> decides.</summary>
internal static class FailBack
{
    /// <summary>Ends the session when the preferred cluster has answered at every look for the time that the options ask. Ends with the
    /// session.</summary>
    public static async Task WatchAsync(ClusterOptions options, IClusterConnector connector, ClusterSession session,
        EndpointChoice choice, TimeProvider time, ILogger logger)
    {
        ClusterEndpoint preferred = options.Clusters[0];
        if (session.Endpoint == preferred || options.FailBackAfter == Timeout.InfiniteTimeSpan)
        {
            return;
        }

        try
        {
            FailBackPlan plan = new(options.FailBackAfter);
            do
            {
                await Task.Delay(plan.UntilLook(choice.Window, choice.Chance()), time, session.Token);
            }
            while (!plan.Looked(await AnswersAsync(preferred, options, connector, session.Token), time.GetElapsedTime(0)));

            TimeSpan delay = plan.Delay(choice.Chance());
            ClientLog.FailingBack(logger, preferred.Name, delay);
            await Task.Delay(delay, time, session.Token);
            session.EndToReturn($"going back to {preferred.Name}");
        }
        catch (OperationCanceledException)
        {
            // The session is over.
        }
    }

    private static async Task<bool> AnswersAsync(ClusterEndpoint endpoint, ClusterOptions options, IClusterConnector connector,
        CancellationToken token)
    {
        try
        {
            await using IClusterConnection connection = await connector.ConnectAsync(
                endpoint, options.Name + "-probe", static (_, _) => ValueTask.CompletedTask, token);
            return !connection.Closed.IsCompleted;
        }
        catch (Exception) when (!token.IsCancellationRequested)
        {
            return false;                                // that is the answer asked for; so is a cluster without room
        }
    }
}
