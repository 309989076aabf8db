namespace Streams.Client.Tests;

public class CompressionTrialTests
{
    private readonly CompressionTrial _trial = new();

    [Fact]
    public void What_gains_is_tried_each_time()
    {
        for (int i = 0; i < 1000; i++)
        {
            Assert.True(_trial.ShouldTry(5000));
            _trial.Tried(5000, 4000);
        }
    }

    [Fact]
    public void What_gains_nothing_is_given_up_and_tried_again_more_and_more_seldom()
    {
        List<int> tries = [];
        for (int i = 0; i < 20_000; i++)
        {
            if (_trial.ShouldTry(5000))
            {
                tries.Add(i);
                _trial.Tried(5000, 4900);
            }
        }

        Assert.Equal([0, 1, 2, 67, 196, 453, 966, 1991, 4040, 8137, 12_234, 16_331], tries);
    }

    [Fact]
    public void A_try_that_gains_again_ends_the_rests()
    {
        while (_trial.ShouldTry(5000))
        {
            _trial.Tried(5000, 5000);
        }

        int rest = 1;
        while (!_trial.ShouldTry(5000))
        {
            rest++;
        }

        Assert.Equal(CompressionTrial.FirstRest, rest);
        for (int i = 0; i < 100; i++)
        {
            _trial.Tried(5000, 500);
            Assert.True(_trial.ShouldTry(5000));
        }

        _trial.Tried(5000, 5000);
        Assert.True(_trial.ShouldTry(5000));                // one in vain says little
    }

    [Fact]
    public void Small_batches_are_left_as_they_are_and_count_for_nothing()
    {
        while (_trial.ShouldTry(5000))
        {
            _trial.Tried(5000, 5000);
        }

        for (int i = 0; i < 1000; i++)
        {
            Assert.False(_trial.ShouldTry(CompressionTrial.SmallestBody - 1));
        }

        Assert.False(_trial.ShouldTry(5000));
    }
}
