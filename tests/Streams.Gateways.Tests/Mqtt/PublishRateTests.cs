using Streams.Testing;

namespace Streams.Gateways.Tests;

/// <summary>The token buckets of a client that publishes.</summary>
public sealed class PublishRateTests
{
    private readonly VirtualTime _time = new();

    [Fact]
    public void A_second_of_messages_passes_at_once_and_the_rest_one_by_one()
    {
        PublishRate rate = new(10, 0, _time);
        Assert.All(Enumerable.Range(0, 10), _ => Assert.Equal(TimeSpan.Zero, rate.Take(1 << 20)));
        Assert.Equal(TimeSpan.FromMilliseconds(100), rate.Take(0));
        Assert.Equal(TimeSpan.FromMilliseconds(200), rate.Take(0));
        _time.Advance(TimeSpan.FromMilliseconds(200));
        Assert.Equal(TimeSpan.FromMilliseconds(100), rate.Take(0));
    }

    [Fact]
    public void One_message_may_go_over_the_bytes_and_what_follows_waits_for_it()
    {
        PublishRate rate = new(0, 1000, _time);
        Assert.Equal(TimeSpan.Zero, rate.Take(5000));
        TimeSpan wait = rate.Take(1);
        Assert.InRange(wait, TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(4) + TimeSpan.FromTicks(1));
        _time.Advance(wait);
        Assert.InRange(rate.Take(1), TimeSpan.FromTicks(1), TimeSpan.FromMilliseconds(1));
    }

    [Fact]
    public void A_quiet_time_is_worth_one_second_and_not_more()
    {
        PublishRate rate = new(2, 0, _time);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal([TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromSeconds(0.5)], [rate.Take(0), rate.Take(0), rate.Take(0)]);
    }

    [Theory]
    [InlineData(7, 0L, 100)]
    [InlineData(0, 5000L, 100)]
    [InlineData(1000, 2000L, 40)]
    [InlineData(1_000_000, 0L, 1)]
    public void Who_waits_as_told_gets_the_rate_over_any_time(int messages, long bytes, int size)
    {
        PublishRate rate = new(messages, bytes, _time);
        double perSecond = Math.Min(messages == 0 ? double.MaxValue : messages, bytes == 0 ? double.MaxValue : (double)bytes / size);
        int count = (int)(perSecond * 30);
        for (int i = 0; i < Math.Min(count, 50_000); i++)
        {
            _time.Advance(rate.Take(size));
        }

        double seconds = _time.Elapsed.TotalSeconds;
        double expected = Math.Min(count, 50_000) / perSecond;
        Assert.InRange(seconds, (expected * 0.99) - 1.1, expected * 1.01);
    }

    [Fact]
    public void Both_limits_count()
    {
        PublishRate rate = new(2, 1024, _time);
        Assert.Equal(TimeSpan.Zero, rate.Take(10));
        Assert.Equal(TimeSpan.Zero, rate.Take(1024));
        TimeSpan third = rate.Take(0);
        Assert.InRange(third, TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(0.5));
        Assert.Null(PublishRate.Of(new MqttGatewayOptions(), _time));
        Assert.NotNull(PublishRate.Of(new MqttGatewayOptions { MaxBytesPerSecond = 1024 }, _time));
    }
}
