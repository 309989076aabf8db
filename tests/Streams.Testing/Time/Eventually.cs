using System.Collections;
using System.Diagnostics;

namespace Streams.Testing;

/// <summary>
/// Waits for a condition by looking again and again: first after 5 ms, later every 50 ms. The only place in the tests where real time
/// passes on purpose. A probe that throws counts as "not yet"; its exception is part of the failure.
/// </summary>
public static class Eventually
{
    /// <summary>Generous, since it is only ever spent by a failing test: machines that run tests may be slow and crowded.</summary>
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(50);

    private const int ShownItems = 50;

    /// <param name="condition">Looked at on the calling context until true.</param>
    /// <param name="what">Completes the sentence "waited in vain until …".</param>
    /// <param name="limit">Real time to wait at most; default <see cref="DefaultLimit"/>.</param>
    /// <param name="seen">Describes the state for the failure message.</param>
    /// <param name="cancellationToken">Ends the wait early.</param>
    public static Task TrueAsync(
        Func<bool> condition, string what, TimeSpan? limit = null, Func<string>? seen = null, CancellationToken cancellationToken = default)
        => TrueAsync(() => ValueTask.FromResult(condition()), what, limit, seen, cancellationToken);

    /// <inheritdoc cref="TrueAsync(Func{bool}, string, TimeSpan?, Func{string}?, CancellationToken)"/>
    public static Task TrueAsync(
        Func<ValueTask<bool>> condition, string what, TimeSpan? limit = null, Func<string>? seen = null,
        CancellationToken cancellationToken = default)
        => PollAsync(condition, static value => value, value => seen is null ? value.ToString() : seen(), what, limit, cancellationToken);

    /// <summary>Waits until the probe gives <paramref name="expected"/>; sequences are compared item by item.</summary>
    public static Task EqualAsync<T>(
        T expected, Func<T> actual, string what, TimeSpan? limit = null, CancellationToken cancellationToken = default)
        => EqualAsync(expected, () => ValueTask.FromResult(actual()), what, limit, cancellationToken);

    /// <inheritdoc cref="EqualAsync{T}(T, Func{T}, string, TimeSpan?, CancellationToken)"/>
    public static Task EqualAsync<T>(
        T expected, Func<ValueTask<T>> actual, string what, TimeSpan? limit = null, CancellationToken cancellationToken = default)
        => PollAsync(
            actual, value => Same(expected, value), static value => Show(value), $"{what} (expected: {Show(expected)})", limit,
            cancellationToken);

    /// <summary>
    /// Moves a virtual clock by <paramref name="step"/> before each look, for code under test that continues on other threads between its
    /// timers. <paramref name="limit"/> is real time.
    /// </summary>
    public static Task TrueWhileAdvancingAsync(
        VirtualTime time, TimeSpan step, Func<bool> condition, string what, TimeSpan? limit = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(time);
        return PollAsync(
            () =>
            {
                if (condition())
                {
                    return ValueTask.FromResult(true);
                }

                time.Advance(step);
                return ValueTask.FromResult(condition());
            },
            static value => value, _ => $"false, with the clock moved to +{time.Elapsed}", what, limit, cancellationToken, FirstPause);
    }

    private static async Task PollAsync<T>(
        Func<ValueTask<T>> probe, Func<T, bool> done, Func<T, string> show, string what, TimeSpan? limit,
        CancellationToken cancellationToken, TimeSpan? pause = null)
    {
        var longestPause = pause ?? LongestPause;
        var patience = limit ?? DefaultLimit;
        var started = Stopwatch.GetTimestamp();
        using var timer = new PeriodicTimer(FirstPause);
        while (true)
        {
            string seen;
            Exception? failure = null;
            try
            {
                var value = await probe();
                if (done(value))
                {
                    return;
                }

                seen = show(value);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                failure = exception;
                seen = $"{exception.GetType().Name}: {exception.Message}";
            }

            if (Stopwatch.GetElapsedTime(started) >= patience)
            {
                throw new NotReachedException($"Waited {patience.TotalSeconds:0.###} s in vain until {what}. Last seen: {seen}", failure);
            }

            await timer.WaitForNextTickAsync(cancellationToken);
            timer.Period = timer.Period * 2 < longestPause ? timer.Period * 2 : longestPause;
        }
    }

    private static bool Same<T>(T expected, T actual)
        => expected is IEnumerable one and not string && actual is IEnumerable other and not string
            ? one.Cast<object?>().SequenceEqual(other.Cast<object?>())
            : EqualityComparer<T>.Default.Equals(expected, actual);

    private static string Show(object? value) => value switch
    {
        null => "null",
        string text => $"\"{text}\"",
        IEnumerable items => ShowItems([.. items.Cast<object?>()]),
        _ => value.ToString() ?? "",
    };

    private static string ShowItems(object?[] items)
    {
        var more = items.Length > ShownItems ? ", …" : "";
        return $"{items.Length} [{string.Join(", ", items.Take(ShownItems).Select(Show))}{more}]";
    }
}
