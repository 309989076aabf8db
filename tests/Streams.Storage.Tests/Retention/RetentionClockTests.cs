namespace Streams.Storage.Tests;

/// <summary>What moment counts when clocks jump.</summary>
public sealed class RetentionClockTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void It_follows_the_wall_clock_that_runs_as_the_machine_counts()
    {
        RetentionClock clock = new(Start, TimeSpan.FromSeconds(50), Start - TimeSpan.FromMinutes(1));
        for (int minute = 1; minute < 5000; minute++)
        {
            // A clock that is slewed by a second a minute is no jump.
            DateTimeOffset wall = Start + TimeSpan.FromSeconds(61 * minute);
            Assert.Equal(wall, clock.Look(wall, TimeSpan.FromSeconds(50 + (60 * minute))));
        }

        Assert.Equal(TimeSpan.Zero, clock.Doubted);
    }

    [Fact]
    public void A_jump_forward_is_not_believed_before_it_has_stood_for_a_day()
    {
        RetentionClock clock = new(Start, TimeSpan.Zero, Start);
        TimeSpan jump = TimeSpan.FromDays(3650);
        for (int hour = 1; hour <= 24; hour++)
        {
            TimeSpan elapsed = TimeSpan.FromHours(hour);
            Assert.Equal(Start + elapsed, clock.Look(Start + jump + elapsed, elapsed));
            Assert.Equal(jump, clock.Doubted);
        }

        TimeSpan later = TimeSpan.FromHours(25);
        Assert.Equal(Start + jump + later, clock.Look(Start + jump + later, later));
        Assert.Equal(TimeSpan.Zero, clock.Doubted);
    }

    [Fact]
    public void A_clock_that_was_set_right_again_is_followed_at_once_and_a_second_jump_must_stand_anew()
    {
        RetentionClock clock = new(Start, TimeSpan.Zero, Start);
        TimeSpan jump = TimeSpan.FromDays(100);
        for (int hour = 1; hour <= 60; hour++)
        {
            TimeSpan elapsed = TimeSpan.FromHours(hour);
            bool isWrong = hour % 20 != 0;
            Assert.Equal(Start + elapsed, clock.Look(Start + elapsed + (isWrong ? jump : default), elapsed));
            Assert.Equal(isWrong ? jump : TimeSpan.Zero, clock.Doubted);
        }
    }

    [Fact]
    public void A_jump_back_is_followed_at_once()
    {
        RetentionClock clock = new(Start, TimeSpan.Zero, Start);
        DateTimeOffset earlier = Start - TimeSpan.FromDays(7);
        Assert.Equal(earlier, clock.Look(earlier, TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public void After_a_start_ages_count_from_the_newest_entry_until_the_wall_clock_is_believed()
    {
        DateTimeOffset newest = Start - TimeSpan.FromDays(40);
        RetentionClock clock = new(Start, TimeSpan.FromDays(9), newest);
        Assert.Equal(newest + TimeSpan.FromHours(2),
            clock.Look(Start + TimeSpan.FromHours(2), TimeSpan.FromDays(9) + TimeSpan.FromHours(2)));
        Assert.Equal(TimeSpan.FromDays(40), clock.Doubted);
        Assert.Equal(Start + TimeSpan.FromHours(26),
            clock.Look(Start + TimeSpan.FromHours(26), TimeSpan.FromDays(9) + TimeSpan.FromHours(26)));
    }

    [Fact]
    public void Where_nothing_was_written_yet_the_wall_clock_counts()
    {
        RetentionClock clock = new(Start, TimeSpan.Zero, null);
        Assert.Equal(Start + TimeSpan.FromSeconds(1), clock.Look(Start + TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)));
    }
}
