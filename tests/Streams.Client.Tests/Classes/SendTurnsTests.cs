namespace Streams.Client.Tests;

public sealed class SendTurnsTests
{
    private readonly SendTurns _turns = new();
    private readonly int[] _woken = new int[3];
    private TimeSpan _now;

    public SendTurnsTests()
    {
        for (int i = 0; i < 3; i++)
        {
            int rank = i;
            Assert.Equal(rank, _turns.Add(() => _woken[rank]++));
        }
    }

    [Fact]
    public void Who_goes_before_others_never_waits_and_the_others_go_when_it_has_nothing()
    {
        Want(0, 1, 2);
        Assert.Equal(TimeSpan.Zero, _turns.Wait(0, _now));
        Assert.Equal(SendTurns.Longest, _turns.Wait(1, _now));
        _turns.Wants(0, false, _now);
        Assert.Equal([0, 1, 1], _woken);
        Assert.Equal(TimeSpan.Zero, _turns.Wait(1, _now));
        Assert.True(_turns.Wait(2, _now) > TimeSpan.Zero);
        _turns.Wants(1, false, _now);
        Assert.Equal(TimeSpan.Zero, _turns.Wait(2, _now));
    }

    [Fact]
    public void Who_has_to_wait_gets_an_eighth_of_what_goes_before_it()
    {
        Want(0, 2);
        long[] sent = new long[3];
        for (int step = 0; step < 20_000; step++)
        {
            _now += TimeSpan.FromMilliseconds(1);
            for (int rank = 0; rank < 3; rank += 2)
            {
                if (_turns.Wait(rank, _now) == TimeSpan.Zero)
                {
                    int bytes = 1000 * (1 + (step % 3));
                    _turns.Sent(rank, bytes, _now);
                    sent[rank] += bytes;
                }
            }
        }

        Assert.InRange(sent[2], sent[0] / 8 * 0.95, sent[0] / 8 * 1.05);
        Assert.True(_woken[2] > 0);
    }

    [Fact]
    public void Nobody_waits_for_ever_behind_one_that_is_stuck()
    {
        Want(0, 1);
        int sent = 0;
        for (int ms = 0; ms < 60_000; ms += 10)
        {
            _now += TimeSpan.FromMilliseconds(10);
            if (_turns.Wait(1, _now) == TimeSpan.Zero)
            {
                sent++;
                _turns.Sent(1, 100_000, _now);
            }
        }

        Assert.Equal(60, sent);
    }

    [Fact]
    public void What_was_saved_is_lost_when_nothing_waits_any_more()
    {
        Want(0, 1);
        _turns.Sent(0, 80_000, _now);
        Assert.Equal(TimeSpan.Zero, _turns.Wait(1, _now));
        _turns.Wants(1, false, _now);
        _now += TimeSpan.FromSeconds(5);
        Want(1);
        Assert.Equal(SendTurns.Longest, _turns.Wait(1, _now));
    }

    private void Want(params int[] ranks)
    {
        foreach (int rank in ranks)
        {
            _turns.Wants(rank, true, _now);
        }
    }
}
