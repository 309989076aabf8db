namespace Streams.Storage.Tests;

/// <summary>The table of the writer's phases: every phase meets every event.</summary>
public sealed class WriterHealthTests
{
    private static readonly TimeSpan Long = TimeSpan.FromHours(1);

    [Theory]
    [InlineData(WritePhase.Writing, WriterEvent.NoRoom, WritePhase.Full)]
    [InlineData(WritePhase.Writing, WriterEvent.Refused, WritePhase.Failed)]
    [InlineData(WritePhase.Writing, WriterEvent.TimeCame, WritePhase.Writing)]
    [InlineData(WritePhase.Writing, WriterEvent.Mended, WritePhase.Writing)]
    [InlineData(WritePhase.Full, WriterEvent.NoRoom, WritePhase.Full)]
    [InlineData(WritePhase.Full, WriterEvent.Refused, WritePhase.Failed)]
    [InlineData(WritePhase.Full, WriterEvent.TimeCame, WritePhase.Full)]
    [InlineData(WritePhase.Full, WriterEvent.Mended, WritePhase.Writing)]
    [InlineData(WritePhase.Failed, WriterEvent.NoRoom, WritePhase.Failed)]
    [InlineData(WritePhase.Failed, WriterEvent.Refused, WritePhase.Failed)]
    [InlineData(WritePhase.Failed, WriterEvent.TimeCame, WritePhase.Verifying)]
    [InlineData(WritePhase.Failed, WriterEvent.Mended, WritePhase.Failed)]
    [InlineData(WritePhase.Verifying, WriterEvent.NoRoom, WritePhase.Full)]
    [InlineData(WritePhase.Verifying, WriterEvent.Refused, WritePhase.Failed)]
    [InlineData(WritePhase.Verifying, WriterEvent.TimeCame, WritePhase.Verifying)]
    [InlineData(WritePhase.Verifying, WriterEvent.Mended, WritePhase.Writing)]
    internal void Each_phase_goes_where_the_event_sends_it(WritePhase from, WriterEvent what, WritePhase to) =>
        Assert.Equal(to, new WriterHealth(from, 1, default, default).After(what, Long).Phase);

    [Fact]
    public void The_first_failure_is_looked_into_at_once_and_later_ones_after_growing_pauses()
    {
        WriterHealth health = default;
        TimeSpan now = Long;
        List<double> pauses = [];
        for (int i = 0; i < 10; i++)
        {
            health = health.After(WriterEvent.Refused, now);
            pauses.Add((health.NextTry - now).TotalSeconds);
            Assert.False(health.IsDue(health.NextTry - TimeSpan.FromTicks(1)));
            Assert.True(health.IsDue(health.NextTry));
            now = health.NextTry;
            health = health.After(WriterEvent.TimeCame, now);
            Assert.False(health.IsDue(now));
        }

        Assert.Equal([0, 1, 2, 4, 8, 16, 32, 60, 60, 60], pauses);
    }

    [Fact]
    public void A_disk_that_fails_again_soon_after_it_was_mended_is_given_longer_pauses_until_it_was_calm()
    {
        WriterHealth health = default;
        TimeSpan now = Long;
        for (int failures = 1; failures <= 3; failures++)
        {
            health = health.After(WriterEvent.Refused, now);
            Assert.Equal(failures, health.Failures);
            health = health.After(WriterEvent.TimeCame, now).After(WriterEvent.Mended, now);
        }

        Assert.Equal(1, health.After(WriterEvent.Refused, now + WriterHealth.Calm).Failures);
    }

    [Fact]
    public void Room_is_looked_for_once_a_second_and_how_long_there_was_none_is_known()
    {
        WriterHealth health = default(WriterHealth).After(WriterEvent.NoRoom, Long);
        for (int i = 1; i <= 3; i++)
        {
            TimeSpan now = Long + TimeSpan.FromSeconds(i);
            Assert.Equal(now, health.NextTry);
            health = health.After(WriterEvent.TimeCame, now).After(WriterEvent.NoRoom, now);
        }

        Assert.Equal(Long, health.Since);
    }
}
