namespace Streams.Gateways.Tests;

/// <summary>When sessions are over, by the clock and by the signs that their server left.</summary>
public sealed class ExpiryRulesTests
{
    private const long Now = 1_900_000_000_000;
    private const long Minute = 60_000;

    [Theory]
    [InlineData(60u, -20_000, 40)]
    [InlineData(60u, -60_000, 0)]
    [InlineData(60u, -90_000, 0)]
    [InlineData(60u, 3_600_000, 60)]                  // the clock was set back: its time once more, not longer
    [InlineData(0u, 0, 0)]
    public void A_session_lives_its_time_behind_the_end_of_its_connection(uint expiry, long goneAt, int left) =>
        Assert.Equal(TimeSpan.FromSeconds(left), ExpiryRules.Left(expiry, Now + goneAt, Now));

    [Fact]
    public void A_session_that_never_expires_does_not() => Assert.Null(ExpiryRules.Left(SessionRecord.NeverExpires, 1, Now));

    [Fact]
    public void The_end_of_a_killed_server_is_taken_to_be_just_behind_its_last_sign_and_never_too_early()
    {
        long started = Now - 1000;
        long slack = Minute + 5000;

        // Down for a day.
        Assert.Equal(Now - (1440 * Minute) + slack, ExpiryRules.GoneAt(Now - (1440 * Minute), 0, started, Now));

        // The session was written behind the last sign.
        Assert.Equal(Now - (100 * Minute) + slack, ExpiryRules.GoneAt(Now - (200 * Minute), Now - (100 * Minute), started, Now));

        // Killed a moment ago, or without any sign, or with a clock that was ahead.
        Assert.Equal(Now, ExpiryRules.GoneAt(Now - 1000, 0, started, Now));
        Assert.Equal(Now, ExpiryRules.GoneAt(null, Now - (100 * Minute), started, Now));
        Assert.Equal(Now, ExpiryRules.GoneAt(Now + Minute, 0, started, Now));

        // Not killed at all: it was this process's.
        Assert.Equal(Now, ExpiryRules.GoneAt(Now - (200 * Minute), started, started, Now));
    }

    [Theory]
    [InlineData(0, 0, null)]
    [InlineData(60, 0, null)]
    [InlineData(0, 60, 60)]
    [InlineData(61, 60, 60)]
    [InlineData(60, 60, null)]
    public void A_keep_alive_above_the_limit_or_none_is_replaced(int wanted, int most, int? told) =>
        Assert.Equal((ushort?)told, KeepAliveRule.Instead(wanted, most));
}
