using System.Text;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

public class SendMeterTests
{
    private readonly VirtualTime _time = new(new DateTimeOffset(2026, 11, 26, 12, 0, 0, TimeSpan.Zero));

    [Theory]
    [InlineData(1_000, 300)]
    [InlineData(1_000, 50_000)]
    [InlineData(100, 9)]
    [InlineData(1_000_000, 60_000)]
    public void Over_any_time_no_more_goes_than_the_rate_a_second_s_worth_and_one_batch(int rate, int batch)
    {
        SendMeter meter = new(new SendCap { BytesPerSecond = rate }, _time);
        long sent = 0;
        while (_time.Elapsed < TimeSpan.FromMinutes(20))
        {
            if (meter.Wait() is var wait && wait > TimeSpan.Zero)
            {
                _time.Advance(wait);
                continue;
            }

            meter.Sent(batch);
            sent += batch;
            Assert.True(sent <= (_time.Elapsed.TotalSeconds + 1) * rate + batch + 1, $"{sent} bytes after {_time.Elapsed}");
        }

        Assert.True(sent >= (_time.Elapsed.TotalSeconds - 1) * rate - batch, $"{sent} bytes only");
    }

    [Fact]
    public void A_quiet_hour_saves_up_no_more_than_a_second()
    {
        SendMeter meter = new(new SendCap { BytesPerSecond = 1000 }, _time);
        Assert.Equal(TimeSpan.Zero, meter.Wait());
        _time.Advance(TimeSpan.FromHours(1));
        meter.Sent(1000);
        Assert.InRange(meter.Wait(), TimeSpan.FromTicks(1), TimeSpan.FromMilliseconds(2));
    }

    [Fact]
    public void A_wall_clock_that_jumps_gives_and_takes_no_bytes_and_picks_the_rate_of_where_it_jumped_to()
    {
        SendMeter meter = new(new SendCap
        {
            BytesPerSecond = 1000,
            TimeZone = TimeZoneInfo.Utc,
            Windows = [new SendWindow { From = new(20, 0), To = new(21, 0), BytesPerSecond = 0 }],
        }, _time);
        meter.Sent(5000);
        TimeSpan owed = meter.Wait();
        Assert.InRange(owed, TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(4.01));
        _time.StepWallClock(TimeSpan.FromHours(2));
        Assert.Equal(owed, meter.Wait());
        _time.StepWallClock(TimeSpan.FromDays(-400));
        Assert.Equal(owed, meter.Wait());

        _time.StepWallClock(TimeSpan.FromHours(6));                                // 20:00
        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(SendMeter.LongestLook, meter.Wait());
        _time.StepWallClock(TimeSpan.FromHours(2));
        Assert.Equal(owed, meter.Wait());                                          // while nothing may be sent nothing is paid off
    }

    [Fact]
    public void What_need_not_wait_is_counted_but_not_while_nothing_may_be_sent()
    {
        SendMeter meter = new(new SendCap
        {
            BytesPerSecond = 1000,
            TimeZone = TimeZoneInfo.Utc,
            Windows = [new SendWindow { From = new(13, 0), To = new(14, 0), BytesPerSecond = 0 }],
        }, _time);
        meter.Sent(3000);
        Assert.InRange(meter.Wait(), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(2.01));
        _time.Advance(TimeSpan.FromMinutes(90));
        for (int i = 0; i < 1000; i++)
        {
            meter.Sent(1000);
        }

        Assert.Equal(SendMeter.LongestLook, meter.Wait());
        _time.Advance(TimeSpan.FromMinutes(60));
        Assert.True(meter.Wait() < TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task With_a_cap_of_nothing_events_stay_and_acknowledgements_go()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        await story.PublishAsync(10);
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        await story.Client.DisposeAsync();
        await story.OpenAsync(story.Options with
        {
            SendCap = new SendCap { Windows = [new SendWindow { BytesPerSecond = 0 }] },
        });
        await story.PublishAsync(1);
        await using StreamsConsumer consumer = await story.ConsumeAsync();

        Assert.Equal(10, (await ClientStory.ReadAsync(consumer, 10)).Count);
        await Eventually.TrueAsync(
            () => story.World["a"].Cursors.Values.Sum(static c => c.Positions.Sum(static p => p.Value.Value)) == 10,
            "the acknowledgements are at the cluster");

        Assert.Equal(10, story.World["a"].Events);
        Assert.Equal(1, story.Client.OutboxEvents);
    }

    [Fact]
    public async Task Under_a_cap_everything_goes_in_its_time()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync(story.Options with { SendCap = new SendCap { BytesPerSecond = 20_000 } });
        long began = TimeProvider.System.GetTimestamp();
        for (int i = 0; i < 6; i++)
        {
            await story.Client.PublishAsync(ClientStory.Fleet, TopicName.Parse("t"), Encoding.UTF8.GetBytes(new string('x', 10_000)));
        }

        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);

        // 60,000 bytes, less a second's worth and one batch of 20,000.
        Assert.True(TimeProvider.System.GetElapsedTime(began) >= TimeSpan.FromSeconds(0.95));
        Assert.Equal(6, story.World["a"].Events);
    }

    [Fact]
    public async Task Faults_of_a_cap_are_named_together()
    {
        await using ClientStory story = new("a");
        ConfigurationException fault = await Assert.ThrowsAsync<ConfigurationException>(() => story.OpenAsync(story.Options with
        {
            SendCap = new SendCap
            {
                BytesPerSecond = 99,
                Windows = [new SendWindow { Days = WeekDays.None, BytesPerSecond = -1 }],
            },
        }));

        Assert.Contains("99 bytes a second", fault.Message, StringComparison.Ordinal);
        Assert.Contains("-1 bytes a second", fault.Message, StringComparison.Ordinal);
        Assert.Contains("on no day", fault.Message, StringComparison.Ordinal);
    }
}
