using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Streams.Client;

/// <summary>While connected: looks whether a better cluster is there, and for long enough; carries out what <see cref="FailBackPlan"/>
/// decides for the order of the list, and <see cref="NearestChoice"/> for that by distance.</summary>
internal static class FailBack
{
    /// <summary>Ends the session when a better cluster was found. Ends with the session.</summary>
    public static async Task WatchAsync(ClusterOptions options, IClusterConnector connector, ClusterSession session,
        EndpointChoice choice, TimeProvider time, ILogger logger)
    {
        int current = IndexOf(options.Clusters, session.Endpoint);
        bool nearest = options.Order == ClusterOrder.Nearest;
        if (options.FailBackAfter == Timeout.InfiniteTimeSpan || options.Clusters.Count == 1 || (!nearest && current == 0))
        {
            return;
        }

        Prober prober = new(options, connector, time);
        try
        {
            await ((nearest ? NearestAsync(options, prober, session, current, choice, time, logger)
                : PreferredAsync(options, prober, session, choice, time, logger)).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // The session is over.
        }
    }

    private static async Task PreferredAsync(ClusterOptions options, Prober prober, ClusterSession session, EndpointChoice choice,
        TimeProvider time, ILogger logger)
    {
        ClusterEndpoint preferred = options.Clusters[0];
        FailBackPlan plan = new(options.FailBackAfter);
        do
        {
            await Task.Delay(plan.UntilLook(choice.Window, choice.Chance()), time, session.Token).ConfigureAwait(false);
        }
        while (!plan.Looked(await prober.LookAsync(preferred, session.Token).ConfigureAwait(false) is not null, time.GetElapsedTime(0)));

        TimeSpan delay = plan.Delay(choice.Chance());
        ClientLog.FailingBack(logger, preferred.Name, delay);
        await Task.Delay(delay, time, session.Token).ConfigureAwait(false);
        session.EndToMove($"going back to {preferred.Name}", 0);
    }

    private static async Task NearestAsync(ClusterOptions options, Prober prober, ClusterSession session, int current,
        EndpointChoice choice, TimeProvider time, ILogger logger)
    {
        FailBackPlan plan = new(options.FailBackAfter);
        int goal;
        do
        {
            await Task.Delay(plan.UntilLook(choice.Window, choice.Chance()), time, session.Token).ConfigureAwait(false);
            foreach (int place in choice.ToProbe(current))
            {
                choice.Measured(place, await prober.LookAsync(options.Clusters[place], session.Token).ConfigureAwait(false));
            }

            goal = choice.Nearer(current);
        }
        while (goal < 0);

        TimeSpan delay = plan.Delay(choice.Chance());
        ClientLog.Nearer(logger, options.Clusters[goal].Name, session.Cluster, delay);
        await Task.Delay(delay, time, session.Token).ConfigureAwait(false);
        session.EndToMove($"{options.Clusters[goal].Name} is nearer", goal);
    }

    private static int IndexOf(IReadOnlyList<ClusterEndpoint> clusters, ClusterEndpoint endpoint)
    {
        for (int i = 0; i < clusters.Count; i++)
        {
            if (clusters[i] == endpoint)
            {
                return i;
            }
        }

        return -1;
    }

    private sealed class Prober(ClusterOptions options, IClusterConnector connector, TimeProvider time)
    {
        // How long connecting took; null when nobody answers. A cluster without room does not answer either.
        public async Task<TimeSpan?> LookAsync(ClusterEndpoint endpoint, CancellationToken token)
        {
            long began = time.GetTimestamp();
            try
            {
                IClusterConnection connection = await connector.ConnectAsync(
                    endpoint, options.Name + "-probe", static (_, _) => ValueTask.CompletedTask, token).ConfigureAwait(false);
                await using ConfiguredAsyncDisposable _ = connection.ConfigureAwait(false);
                return connection.Closed.IsCompleted ? null : connection.ConnectTook ?? time.GetElapsedTime(began);
            }
            catch (Exception) when (!token.IsCancellationRequested)
            {
                return null;                             // that is the answer asked for
            }
        }
    }
}
