namespace FieldTrial;

/// <summary>What a run does now, and its waits: what is not reached in time fails the run, and it goes on.</summary>
internal sealed class RunPhases(TimeProvider time)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    /// <summary>What it does, for people.</summary>
    public string Now { get; set; } = "starting";

    /// <summary>Waits until it is so, or until the limit.</summary>
    public async Task WaitAsync(string what, TimeSpan limit, Judge judge, Func<Task<bool>> isDone, CancellationToken cancellationToken)
    {
        Now = what;
        long began = time.GetTimestamp();
        string trouble = string.Empty;
        while (true)
        {
            try
            {
                if (await isDone())
                {
                    return;
                }
            }
            catch (Exception fault) when (fault is HttpRequestException or IOException)
            {
                trouble = $" ({fault.Message})";
            }

            if (time.GetElapsedTime(began) >= limit)
            {
                judge.Fail($"waited {Math.Max(0, limit.TotalSeconds):0} s in vain: {what}{trouble}");
                return;
            }

            await Task.Delay(Look, time, cancellationToken);
        }
    }

    /// <summary>Does something whose failure fails the run.</summary>
    public static async Task GuardAsync(Task task, Judge judge)
    {
        try
        {
            await task;
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            judge.Fail($"{fault.GetType().Name}: {fault.Message}");
        }
    }
}
