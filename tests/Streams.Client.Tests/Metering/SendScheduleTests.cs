using System.Globalization;

namespace Streams.Client.Tests;

public class SendScheduleTests
{
    // Central European time, told here so that no machine's tables are asked: an hour more from the last Sunday of March on, at two,
    // to the last Sunday of October, at three.
    private static readonly TimeZoneInfo Berlin = TimeZoneInfo.CreateCustomTimeZone("berlin", TimeSpan.FromHours(1), "berlin", "winter",
        "summer",
        [
            TimeZoneInfo.AdjustmentRule.CreateAdjustmentRule(DateTime.MinValue.Date, DateTime.MaxValue.Date, TimeSpan.FromHours(1),
                TimeZoneInfo.TransitionTime.CreateFloatingDateRule(new DateTime(1, 1, 1, 2, 0, 0), 3, 5, DayOfWeek.Sunday),
                TimeZoneInfo.TransitionTime.CreateFloatingDateRule(new DateTime(1, 1, 1, 3, 0, 0), 10, 5, DayOfWeek.Sunday)),
        ]);

    [Theory]
    [InlineData("2026-11-26T07:59:59", 1000)]      // a Thursday
    [InlineData("2026-11-26T08:00:00", 0)]
    [InlineData("2026-11-26T17:59:59", 0)]
    [InlineData("2026-11-26T18:00:00", 1000)]
    [InlineData("2026-11-28T09:00:00", 1000)]      // a Saturday
    public void A_window_of_workdays_holds_on_these_alone_and_its_end_is_not_in_it(string utc, int expected)
    {
        SendSchedule schedule = new(new SendCap
        {
            BytesPerSecond = 1000,
            TimeZone = TimeZoneInfo.Utc,
            Windows = [new SendWindow { Days = WeekDays.Workdays, From = new(8, 0), To = new(18, 0), BytesPerSecond = 0 }],
        });

        Assert.Equal(expected, schedule.RateAt(At(utc)));
    }

    [Theory]
    [InlineData("2026-11-27T21:59:59", 1000)]
    [InlineData("2026-11-27T22:00:00", null)]      // Friday night
    [InlineData("2026-11-28T05:59:59", null)]      // which ends on Saturday
    [InlineData("2026-11-28T06:00:00", 1000)]
    [InlineData("2026-11-28T22:00:00", 1000)]
    public void A_window_over_midnight_belongs_to_the_day_on_which_it_begins(string utc, int? expected)
    {
        SendSchedule schedule = new(new SendCap
        {
            BytesPerSecond = 1000,
            TimeZone = TimeZoneInfo.Utc,
            Windows = [new SendWindow { Days = WeekDays.Friday, From = new(22, 0), To = new(6, 0), BytesPerSecond = null }],
        });

        Assert.Equal(expected, schedule.RateAt(At(utc)));
    }

    [Fact]
    public void A_window_without_times_is_a_whole_day_and_the_first_that_holds_counts()
    {
        SendSchedule schedule = new(new SendCap
        {
            TimeZone = TimeZoneInfo.Utc,
            Windows =
            [
                new SendWindow { From = new(12, 0), To = new(13, 0), BytesPerSecond = 7000 },
                new SendWindow { Days = WeekDays.Weekend, BytesPerSecond = 500 },
            ],
        });

        Assert.Equal(500, schedule.RateAt(At("2026-11-28T00:00:00")));
        Assert.Equal(7000, schedule.RateAt(At("2026-11-28T12:30:00")));
        Assert.Equal(500, schedule.RateAt(At("2026-11-29T23:59:59")));
        Assert.Null(schedule.RateAt(At("2026-11-30T00:00:00")));
    }

    [Fact]
    public void Where_summer_time_skips_an_hour_its_window_is_skipped_and_where_an_hour_comes_twice_so_does_its_window()
    {
        SendSchedule schedule = new(new SendCap
        {
            BytesPerSecond = 100,
            TimeZone = Berlin,
            Windows = [new SendWindow { From = new(2, 0), To = new(3, 0), BytesPerSecond = 9000 }],
        });

        Assert.Equal(60, MinutesAt(9000, schedule, "2026-03-28T00:00:00"));
        Assert.Equal(0, MinutesAt(9000, schedule, "2026-03-29T00:00:00"));
        Assert.Equal(60, MinutesAt(9000, schedule, "2026-07-01T00:00:00"));
        Assert.Equal(120, MinutesAt(9000, schedule, "2026-10-25T00:00:00"));
        Assert.Equal(60, MinutesAt(9000, schedule, "2026-10-26T00:00:00"));
    }

    private static int MinutesAt(long rate, SendSchedule schedule, string utcDay) => Enumerable.Range(0, 6 * 60)
        .Count(minute => schedule.RateAt(At(utcDay).AddMinutes(minute)) == rate);

    private static DateTimeOffset At(string utc) => DateTimeOffset.Parse(utc, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
}
