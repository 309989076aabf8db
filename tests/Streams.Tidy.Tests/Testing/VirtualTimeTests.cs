using Streams.Testing;

namespace Streams.Tidy.Tests;

public sealed class VirtualTimeTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly VirtualTime _time = new();
    private readonly List<string> _fired = [];

    [Fact]
    public void Timers_fire_by_due_time_and_then_by_the_order_of_arming()
    {
        Arm("late", 3 * Second);
        Arm("early", Second);
        Arm("late too", 3 * Second);

        _time.Advance(2 * Second);
        Assert.Equal(["early@1"], _fired);

        _time.Advance(Second);
        Assert.Equal(["early@1", "late@3", "late too@3"], _fired);
    }

    [Fact]
    public void A_callback_sees_its_own_due_time_and_what_it_arms_fires_on_the_same_way()
    {
        using var timer = _time.CreateTimer(
            _ =>
            {
                _fired.Add($"first@{_time.Elapsed.TotalSeconds}");
                Arm("second", Second);
            },
            null, Second, Timeout.InfiniteTimeSpan);
        Arm("third", 3 * Second);

        _time.Advance(10 * Second);

        Assert.Equal(["first@1", "second@2", "third@3"], _fired);
        Assert.Equal(10 * Second, _time.Elapsed);
    }

    [Fact]
    public void A_periodic_timer_fires_at_every_period_until_it_is_disposed()
    {
        var timer = Arm("tick", Second, 2 * Second);
        _time.Advance(5 * Second);
        timer.Dispose();
        _time.Advance(5 * Second);

        Assert.Equal(["tick@1", "tick@3", "tick@5"], _fired);
        Assert.False(timer.Change(Second, Second));
    }

    [Fact]
    public void Changing_a_timer_replaces_its_due_time()
    {
        var timer = Arm("once", Second);
        Assert.True(timer.Change(4 * Second, Timeout.InfiniteTimeSpan));
        _time.Advance(3 * Second);
        Assert.Empty(_fired);
        _time.Advance(Second);
        Assert.Equal(["once@4"], _fired);
        Assert.Equal(0, _time.ArmedTimers);
    }

    [Fact]
    public void Running_until_idle_jumps_from_timer_to_timer_and_stops_at_the_limit()
    {
        Arm("a", Second);
        Arm("b", TimeSpan.FromMinutes(30));
        Assert.True(_time.RunUntilIdle());
        Assert.Equal(TimeSpan.FromMinutes(30), _time.Elapsed);

        Arm("far", TimeSpan.FromHours(2));
        Assert.False(_time.RunUntilIdle());
        Assert.True(_time.AdvanceToNextTimer());
        Assert.False(_time.AdvanceToNextTimer());
        Assert.Equal(["a@1", "b@1800", "far@9000"], _fired);
    }

    [Fact]
    public void Both_clocks_follow_but_only_the_wall_clock_can_be_stepped()
    {
        var wall = _time.GetUtcNow();
        var stamp = _time.GetTimestamp();

        _time.Advance(Second);
        _time.StepWallClock(-5 * Second);

        Assert.Equal(wall - (4 * Second), _time.GetUtcNow());
        Assert.Equal(Second, _time.GetElapsedTime(stamp));
    }

    [Fact]
    public async Task The_platforms_own_waits_obey_the_clock()
    {
        using var cancellation = new CancellationTokenSource(2 * Second, _time);
        using var ticks = new PeriodicTimer(Second, _time);
        var tick = ticks.WaitForNextTickAsync(CancellationToken.None).AsTask();
        var timeout = Assert.ThrowsAsync<TimeoutException>(() => new TaskCompletionSource().Task.WaitAsync(3 * Second, _time));

        _time.Advance(Second);
        Assert.True(await tick);
        Assert.False(cancellation.IsCancellationRequested);

        _time.Advance(2 * Second);
        await timeout;
        Assert.True(cancellation.IsCancellationRequested);
    }

    [Fact]
    public async Task Movements_from_several_threads_add_up_and_lose_no_tick()
    {
        var ticks = 0;
        using var timer = _time.CreateTimer(_ => ticks++, null, Second, Second);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var step = 0; step < 250; step++)
            {
                _time.Advance(Second);
            }
        })));

        Assert.Equal(1000 * Second, _time.Elapsed);
        Assert.Equal(1000, ticks);
    }

    private ITimer Arm(string name, TimeSpan due, TimeSpan? period = null)
        => _time.CreateTimer(_ => _fired.Add($"{name}@{_time.Elapsed.TotalSeconds}"), null, due, period ?? Timeout.InfiniteTimeSpan);
}
