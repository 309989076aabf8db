namespace Streams.Mqtt.Tests;

/// <summary>Waits for what must happen; fails the test instead of hanging it.</summary>
internal static class Patience
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    public static Task Soon(this Task task) => task.WaitAsync(s_limit);

    public static Task<T> Soon<T>(this Task<T> task) => task.WaitAsync(s_limit);

    public static Task<T> Soon<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(s_limit);

    public static Task Soon(this ValueTask task) => task.AsTask().WaitAsync(s_limit);

    /// <summary>Yields until the condition holds.</summary>
    public static async Task Until(Func<bool> condition)
    {
        long start = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(start) < s_limit, "The condition did not come to hold.");
            await Task.Yield();
        }
    }
}
