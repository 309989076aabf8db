namespace FieldTrial;

/// <summary>Waits until a program that was just started says over HTTP that it is well.</summary>
internal sealed class HealthWait(GuardedProcess process, string name, Uri address, HttpClient http, TimeProvider time)
{
    /// <summary>Returns when it is healthy.</summary>
    /// <exception cref="ClusterFailedException">It ended, or is not healthy after <paramref name="limit"/>.</exception>
    public async Task UntilHealthyAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        long started = time.GetTimestamp();
        string seen = "no answer";
        while (time.GetElapsedTime(started) < limit)
        {
            if (process.HasCrashed)
            {
                throw new ClusterFailedException($"{name} {await process.LastWordsAsync(cancellationToken)}");
            }

            try
            {
                using HttpResponseMessage answer = await http.GetAsync(new Uri(address, "health"), cancellationToken);
                seen = $"{(int)answer.StatusCode}";
                if (answer.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (HttpRequestException refused)
            {
                seen = refused.Message;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), time, cancellationToken);
        }

        throw new ClusterFailedException(
            $"{name} is not healthy after {limit.TotalSeconds:0} s ({seen}):{Environment.NewLine}{process.Tail}");
    }
}
