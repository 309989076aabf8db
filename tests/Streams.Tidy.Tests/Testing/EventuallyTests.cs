using Streams.Testing;

namespace Streams.Tidy.Tests;

public sealed class EventuallyTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(30);

    [Fact]
    public async Task A_condition_that_comes_true_ends_the_wait()
    {
        var looks = 0;
        await Eventually.TrueAsync(() => ++looks == 4, "the fourth look");
        Assert.Equal(4, looks);
    }

    [Fact]
    public async Task A_condition_that_stays_false_fails_with_its_name_and_what_was_seen()
    {
        var failure = await Assert.ThrowsAsync<NotReachedException>(
            () => Eventually.TrueAsync(() => false, "pigs fly", Short, () => "3 pigs on the ground"));
        Assert.Equal("Waited 0.03 s in vain until pigs fly. Last seen: 3 pigs on the ground", failure.Message);
    }

    [Fact]
    public async Task A_value_that_never_equals_fails_with_both_values()
    {
        var failure = await Assert.ThrowsAsync<NotReachedException>(
            () => Eventually.EqualAsync([1, 2], () => new[] { 1 }, "the list is complete", Short));
        Assert.Equal("Waited 0.03 s in vain until the list is complete (expected: 2 [1, 2]). Last seen: 1 [1]", failure.Message);
    }

    [Fact]
    public async Task Sequences_are_compared_item_by_item()
    {
        List<int> list = [];
        await Eventually.EqualAsync([1, 2, 3], () => Grow(list), "three items");
        Assert.Equal([1, 2, 3], list);

        static IEnumerable<int> Grow(List<int> list)
        {
            list.Add(list.Count + 1);
            return list.ToArray();
        }
    }

    [Fact]
    public async Task A_probe_that_throws_is_asked_again_and_its_last_exception_is_told()
    {
        var looks = 0;
        await Eventually.TrueAsync(() => ++looks == 3 ? true : throw new IOException("not yet"), "the third look");

        var failure = await Assert.ThrowsAsync<NotReachedException>(
            () => Eventually.TrueAsync(new Func<bool>(() => throw new IOException("refused")), "it works", Short));
        Assert.EndsWith("Last seen: IOException: refused", failure.Message, StringComparison.Ordinal);
        Assert.IsType<IOException>(failure.InnerException);
    }

    [Fact]
    public async Task Cancellation_ends_the_wait()
    {
        using var cancellation = new CancellationTokenSource();
        var waiting = Eventually.TrueAsync(() => false, "never", cancellationToken: cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    [Fact]
    public async Task A_virtual_clock_can_be_moved_while_waiting()
    {
        var time = new VirtualTime();
        var work = Task.Run(async () =>
        {
            for (var wait = 0; wait < 3; wait++)
            {
                using var ticks = new PeriodicTimer(TimeSpan.FromHours(1), time);
                await ticks.WaitForNextTickAsync();
            }
        });

        await Eventually.TrueWhileAdvancingAsync(time, TimeSpan.FromMinutes(10), () => work.IsCompleted, "three hours have passed");
        Assert.True(time.Elapsed >= TimeSpan.FromHours(3));
    }
}
