namespace Streams.Client.Tests;

public class BatchPacerTests
{
    private const int Most = 256 << 10;
    private static readonly TimeSpan Linger = Ms(5);
    private readonly BatchPacer _pacer = new(Most, 16, Linger, TimeSpan.FromSeconds(10));
    private TimeSpan _now;

    [Fact]
    public void What_finds_nothing_under_way_goes_at_once()
    {
        for (int i = 0; i < 100; i++)
        {
            _now += Ms(50);
            _pacer.Arrived(200, _now);
            Assert.Equal(TimeSpan.Zero, _pacer.Wait(inFlight: 0, _now));
            _pacer.Cut(200, isMore: false, isLast: true, _now);
            _pacer.Answered(200, Ms(20));
        }
    }

    [Fact]
    public void What_finds_something_under_way_waits_for_others_and_no_longer_than_the_linger()
    {
        _pacer.Arrived(200, _now);
        Assert.Equal(Linger, _pacer.Wait(inFlight: 1, _now));
        _now += Ms(3);
        _pacer.Arrived(100, _now);
        Assert.Equal(Ms(2), _pacer.Wait(inFlight: 1, _now));
        _now += Ms(2);
        Assert.Equal(TimeSpan.Zero, _pacer.Wait(inFlight: 1, _now));
        _pacer.Cut(300, isMore: false, isLast: true, _now);
        Assert.Equal(TimeSpan.Zero, _pacer.Wait(inFlight: 1, _now));       // nothing waits
    }

    [Theory]
    [InlineData(1, 512)]            // a line on the spot: no batch waits for long
    [InlineData(100, 60_000)]       // a million bytes a second, a tenth of a second there and back: half of 100,000
    public void The_batch_waited_for_grows_with_load_and_round_trip_time(int roundTripMs, int atMost)
    {
        for (int i = 0; i < 200; i++)
        {
            _pacer.Answered(_pacer.BatchLimit, Ms(roundTripMs));
        }

        for (int i = 0; i < 3000; i++)
        {
            _now += Ms(1);
            _pacer.Arrived(1000, _now);
        }

        Assert.InRange(_pacer.Target, roundTripMs == 1 ? 512 : 40_000, atMost);
        _now += TimeSpan.FromSeconds(20);
        _pacer.Wait(1, _now);
        Assert.Equal(512, _pacer.Target);                                  // the load is over
    }

    [Fact]
    public void Full_batches_that_are_answered_soon_make_the_next_ones_greater_up_to_the_option_and_more_of_them()
    {
        Assert.Equal((16 << 10, 2), (_pacer.BatchLimit, _pacer.InFlightLimit));
        int answers = 0;
        while (_pacer.BatchLimit < Most || _pacer.InFlightLimit < 16)
        {
            _pacer.Answered(_pacer.BatchLimit, Ms(30));
            Assert.InRange(++answers, 1, 20);
        }

        _pacer.Answered(Most, Ms(30));
        Assert.Equal((Most, 16), (_pacer.BatchLimit, _pacer.InFlightLimit));
    }

    [Fact]
    public void Small_batches_say_nothing_of_greater_ones()
    {
        for (int i = 0; i < 100; i++)
        {
            _pacer.Answered(300, Ms(30));
        }

        Assert.Equal(16 << 10, _pacer.BatchLimit);
    }

    [Fact]
    public void Late_answers_make_fewer_then_smaller_and_one_without_an_answer_begins_anew_with_little()
    {
        for (int i = 0; i < 100; i++)
        {
            _pacer.Answered(_pacer.BatchLimit, Ms(30));
        }

        for (int i = 0; i < 100; i++)
        {
            _pacer.Answered(Most, TimeSpan.FromSeconds(3));
        }

        Assert.Equal((BatchPacer.SmallestBatch, 1), (_pacer.BatchLimit, _pacer.InFlightLimit));
        BatchPacer other = new(Most, 16, Linger, TimeSpan.FromSeconds(10));
        other.Unanswered(TimeSpan.FromSeconds(4));
        Assert.Equal(16 << 10, other.BatchLimit);
        other.Unanswered(TimeSpan.FromSeconds(10));
        other.Unanswered(TimeSpan.FromSeconds(9));                         // of the same session
        other.SessionBegan();
        Assert.Equal((4 << 10, 1), (other.BatchLimit, other.InFlightLimit));
        for (int i = 0; i < 20; i++)
        {
            other.Answered(other.BatchLimit, Ms(30));
        }

        Assert.Equal((Most, 16), (other.BatchLimit, other.InFlightLimit));
        other.SessionBegan();
        Assert.Equal((16 << 10, 2), (other.BatchLimit, other.InFlightLimit));
    }

    // What goes before it never finds more than about a fifth of a second of it on the line; and the line is kept busy all the same,
    // however long it is.
    [Theory]
    [InlineData(60_000, 40)]
    [InlineData(1_000_000, 40)]
    [InlineData(1_000_000, 600)]
    [InlineData(50_000_000, 1)]
    public void One_that_yields_keeps_little_under_way_and_the_line_busy(int bytesPerSecond, int roundTripMs)
    {
        BatchPacer pacer = new(Most, 64, Linger, TimeSpan.FromSeconds(30)) { Yields = true };
        pacer.SessionBegan();
        Queue<(int Bytes, double At, double Done)> flying = [];
        double now = 0;
        double lineFree = 0;
        double worst = 0;
        double sent = 0;
        while (now < 60)
        {
            while (flying.Count < pacer.InFlightLimit)
            {
                lineFree = Math.Max(lineFree, now) + ((double)pacer.BatchLimit / bytesPerSecond);
                flying.Enqueue((pacer.BatchLimit, now, lineFree + (roundTripMs / 1000.0)));
                worst = now < 10 ? 0 : Math.Max(worst, lineFree - now);
            }

            (int bytes, double at, double done) = flying.Dequeue();
            now = done;
            sent += bytes;
            pacer.Answered(bytes, TimeSpan.FromSeconds(done - at));
        }

        Assert.InRange(worst, 0, (2 * roundTripMs / 1000.0) + 0.25);
        Assert.InRange(sent / now, bytesPerSecond * 0.6, bytesPerSecond);
    }

    // A line of few bytes a second, on which batches queue up one behind the other.
    [Theory]
    [InlineData(1_000)]
    [InlineData(8_000)]
    [InlineData(60_000)]
    [InlineData(10_000_000)]
    public void On_a_line_of_any_speed_a_backlog_goes_without_an_answer_that_comes_too_late_twice(int bytesPerSecond)
    {
        int lost = 0;
        double sent = 0;
        for (int session = 0; session < 5 && sent < bytesPerSecond * 600.0; session++)
        {
            _pacer.SessionBegan();
            Queue<(int Bytes, double At, double Done)> flying = [];
            double now = 0;
            double lineFree = 0;
            while (sent < bytesPerSecond * 600.0)
            {
                while (flying.Count < _pacer.InFlightLimit)
                {
                    lineFree = Math.Max(lineFree, now) + ((double)_pacer.BatchLimit / bytesPerSecond);
                    flying.Enqueue((_pacer.BatchLimit, now, lineFree + 0.05));
                }

                (int bytes, double at, double done) = flying.Dequeue();
                if (done - at > 10)
                {
                    lost++;
                    _pacer.Unanswered(TimeSpan.FromSeconds(10));
                    break;
                }

                now = done;
                sent += bytes;
                _pacer.Answered(bytes, TimeSpan.FromSeconds(done - at));
            }
        }

        Assert.True(sent >= bytesPerSecond * 600.0, $"{sent} bytes in vain");
        Assert.InRange(lost, 0, 1);
    }

    private static TimeSpan Ms(double ms) => TimeSpan.FromMilliseconds(ms);
}
