using Microsoft.Extensions.Logging;

namespace Streams.Client;

/// <summary>While connected elsewhere: looks whether the preferred cluster answers again, and for long enough.</summary>
internal static class FailBack
{
    private const int LooksPerSpan = 3;

    /// <summary>Ends the session when the preferred cluster has answered at every look for the time that the options ask. Ends with the
    /// session.</summary>
    public static async Task WatchAsync(StreamsClientOptions options, IClusterConnector connector, ClusterSession session,
        TimeProvider time, ILogger logger)
    {
        ClusterEndpoint preferred = options.Clusters[0];
        if (session.Endpoint == preferred || options.FailBackAfter == Timeout.InfiniteTimeSpan)
        {
            return;
        }

        try
        {
            using PeriodicTimer timer = new(options.FailBackAfter / LooksPerSpan, time);
            for (int answered = 0; await timer.WaitForNextTickAsync(session.Token);)
            {
                answered = await AnswersAsync(preferred, options, connector, session.Token) ? answered + 1 : 0;
                if (answered > LooksPerSpan)
                {
                    ClientLog.FailingBack(logger, preferred.Name);
                    session.End($"going back to {preferred.Name}");
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The session is over.
        }
    }

    private static async Task<bool> AnswersAsync(ClusterEndpoint endpoint, StreamsClientOptions options, IClusterConnector connector,
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
            return false;                                // that is the answer asked for
        }
    }
}
