namespace Streams.Client.Tests;

/// <summary>A device that runs, loses power, and whose wall clock is set.</summary>
public class AgeClockTests
{
    private const long Minute = 60_000;
    private const long Hour = 60 * Minute;
    private const long Day = 24 * Hour;
    private const long Start = AgeClock.FirstPlausible + (400 * Day);

    private readonly List<AgeMark> _kept = [];
    private long _wall = Start;
    private long _steady = 5_000;
    private string _boot = "1";
    private AgeClock _clock;

    public AgeClockTests() => _clock = new AgeClock([], Now);

    private ClockReading Now => new(_wall, _steady, _boot);

    [Fact]
    public void While_open_only_the_steady_clock_counts_whichever_way_the_wall_clock_jumps()
    {
        long born = _clock.Opening;
        Run(Minute);
        _wall += 30 * Day;
        Run(Minute);
        _wall -= 90 * Day;
        Run(Minute);
        Assert.Equal(3 * Minute, _clock.Elapsed(born));
    }

    [Fact]
    public void A_restart_of_the_process_in_one_boot_counts_exactly_without_the_wall_clock()
    {
        long born = _clock.Opening;
        Run(Minute);
        Keep();
        _wall -= 5 * Day;
        _steady += 7 * Minute;
        Open();
        Assert.Equal(8 * Minute, _clock.Elapsed(born));
        Run(Hour);
        Assert.Equal(8 * Minute + Hour, _clock.Elapsed(born));
    }

    [Fact]
    public void What_ran_behind_the_last_mark_and_was_killed_counts_too()
    {
        long born = _clock.Opening;
        Run(Minute);
        Keep();
        Run(10 * Minute);                             // killed: not kept
        Open();
        Assert.Equal(11 * Minute, _clock.Elapsed(born));
    }

    [Fact]
    public void Time_without_power_counts_by_the_wall_clock_but_not_before_a_minute_has_passed()
    {
        long born = _clock.Opening;
        Run(Hour);
        Reboot(3 * Day);
        Assert.Equal(Hour, _clock.Elapsed(born));
        Run(Minute - 1);
        Assert.Equal(Hour + Minute - 1, _clock.Elapsed(born));
        Run(1);
        Assert.Equal(Hour + (3 * Day) + Minute, _clock.Elapsed(born));
        Assert.Equal(Minute, _clock.Elapsed(_clock.Opening));
    }

    [Fact]
    public void A_device_without_a_clock_of_its_own_counts_the_dark_when_the_network_sets_it_at_the_start()
    {
        long born = _clock.Opening;
        Run(Hour);
        Reboot(3 * Day, wallStandsStill: true);
        Run(20_000);
        _wall += 3 * Day;
        Run(40_000);
        Assert.Equal(Hour + (3 * Day) + Minute, _clock.Elapsed(born));
    }

    [Theory]
    [InlineData(-400)]                                // 2023: never set
    [InlineData(400)]                                 // more than a year on
    [InlineData(-1)]
    public void A_wall_clock_that_comes_back_wrong_counts_nothing(int days)
    {
        long born = _clock.Opening;
        Run(Hour);
        _wall += days * Day;
        Reboot(Minute);
        Run(10 * Minute);
        Assert.Equal(Hour + (10 * Minute), _clock.Elapsed(born));
    }

    [Fact]
    public void A_clock_wrong_for_a_while_and_right_again_does_not_count_the_difference()
    {
        long born = _clock.Opening;
        Run(Hour);
        _wall -= 30 * Day;                            // the battery of its clock is empty
        Reboot(Minute);
        Run(2 * Minute);
        Reboot(Minute);                               // still wrong
        _wall += 30 * Day;                            // and set, before the minute is over
        Run(2 * Minute);

        // The first dark minute is found by the second reading: both together are what the right clock says.
        Assert.Equal(Hour + (4 * Minute) + (2 * Minute), _clock.Elapsed(born));
    }

    [Fact]
    public void A_clock_set_forward_and_back_again_makes_nothing_older()
    {
        long born = _clock.Opening;
        Run(2 * Minute);
        _wall += 10 * Day;
        Run(2 * Minute);
        Reboot(Minute);
        _wall -= 10 * Day;
        Run(2 * Minute);
        Assert.Equal(6 * Minute, _clock.Elapsed(born));
    }

    [Fact]
    public void A_clock_that_was_once_far_ahead_is_believed_again_when_it_has_run_evenly_for_an_hour()
    {
        Run(Minute);
        _wall += 300 * Day;
        Run(Minute);
        _wall -= 300 * Day;
        for (int i = 0; i < 70; i++)
        {
            Run(Minute);
        }

        long born = _clock.Opening;
        Reboot(2 * Hour);
        Run(Minute);
        Assert.Equal((73 * Minute) + (2 * Hour), _clock.Elapsed(born));
    }

    [Fact]
    public void Many_short_lives_before_the_clock_is_set_lose_nothing()
    {
        long born = _clock.Opening;
        Run(Hour);
        for (int i = 0; i < 20; i++)
        {
            Reboot(Hour, wallStandsStill: true);
            Run(10_000);                              // dies before the minute is over
        }

        _wall += 20 * Hour;
        Run(Minute);
        Assert.Equal((21 * Hour) + (20 * 10_000) + Minute, _clock.Elapsed(born));
    }

    [Fact]
    public void Each_opening_has_its_own_age_and_old_ones_may_be_forgotten()
    {
        long first = _clock.Opening;
        Run(Minute);
        Reboot(Hour);
        long second = _clock.Opening;
        Run(2 * Minute);
        Reboot(Day);
        Run(5 * Minute);
        Assert.Equal((8 * Minute) + Hour + Day, _clock.Elapsed(first));
        Assert.Equal((7 * Minute) + Day, _clock.Elapsed(second));
        Keep();
        _kept.RemoveAll(m => m.Opening < second);
        Open();
        Assert.Equal((7 * Minute) + Day, _clock.Elapsed(second));
    }

    [Fact]
    public void Whatever_the_wall_clock_does_ages_never_go_back_and_never_run_ahead_of_the_steady_clock_within_an_opening()
    {
        for (int seed = 1; seed <= 200; seed++)
        {
            Random random = new(seed);
            _kept.Clear();
            _clock = new AgeClock([], Now);
            long born = _clock.Opening;
            long last = 0;
            for (int i = 0; i < 200; i++)
            {
                switch (random.Next(10))
                {
                    case 0:
                        _wall += random.NextInt64(-800 * Day, 800 * Day);
                        break;
                    case 1:
                        Reboot(random.NextInt64(0, 10 * Day), wallStandsStill: random.Next(2) == 0);
                        break;
                    default:
                        bool wasDark = _clock.Length < AgeClock.SettleAfter;
                        long step = random.NextInt64(1, Hour);
                        Run(step);
                        long most = step + (wasDark ? AgeClock.LongestDark : 0);
                        Assert.InRange(_clock.Elapsed(born) - last, step, most);
                        break;
                }

                Assert.True(_clock.Elapsed(born) >= last, $"seed {seed}, step {i}");
                last = _clock.Elapsed(born);
            }
        }
    }

    private void Run(long milliseconds)
    {
        _wall += milliseconds;
        _steady += milliseconds;
        _clock.Advance(Now);
    }

    private void Keep()
    {
        _kept.RemoveAll(m => m.Opening == _clock.Opening);
        _kept.Add(_clock.Mark());
    }

    private void Open() => _clock = new AgeClock(_kept, Now);

    private void Reboot(long dark, bool wallStandsStill = false)
    {
        Keep();
        _wall += wallStandsStill ? 0 : dark;
        _steady = 3_000;
        _boot += "x";
        Open();
    }
}
