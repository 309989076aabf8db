using System.Buffers;
using System.Text;
using System.Text.Json;
using FieldTrial;
using FleetFailover;
using Streams.Core;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

public sealed class FleetPartsTests
{
    [Fact]
    public void An_events_text_is_json_and_reads_back()
    {
        byte[] text = EventText.Write("car-7", 42, "{\"speed\":3}"u8);
        using JsonDocument json = JsonDocument.Parse(text);
        Assert.Equal(("car-7", 42), (json.RootElement.GetProperty("device").GetString(), json.RootElement.GetProperty("n").GetInt32()));
        Assert.True(EventText.TryRead(text, out ReadOnlySpan<byte> car, out int number));
        Assert.Equal(("car-7", 42), (Encoding.UTF8.GetString(car), number));
    }

    [Fact]
    public void A_damaged_events_text_is_refused_wherever_the_damage_is()
    {
        byte[] text = EventText.Write("car-7", 42, "{}"u8);
        for (int i = 0; i < text.Length; i++)
        {
            byte[] damaged = [.. text];
            damaged[i] ^= 1;
            bool tail = i >= text.Length - 2;                  // the closing quote and brace say nothing
            Assert.True(tail || !EventText.TryRead(damaged, out _, out _),
                $"damage at {i} of {Encoding.UTF8.GetString(damaged)} was not seen");
            Assert.False(EventText.TryRead(text.AsSpan(0, i), out _, out _));
        }
    }

    [Fact]
    public void A_car_that_is_not_of_the_fleet_is_not_known()
    {
        DeviceNumbers cars = new(["a", "b"]);
        Assert.True(cars.TryRead(EventText.Write("b", 3, "{}"u8), out int car, out int number));
        Assert.Equal((1, 3), (car, number));
        Assert.False(cars.TryRead(EventText.Write("c", 3, "{}"u8), out _, out _));
        Assert.False(cars.TryRead("nonsense"u8, out _, out _));
    }

    [Fact]
    public void The_same_chance_gives_the_same_drive_and_stays_in_town()
    {
        Assert.Equal(Drive(3), Drive(3));
        Assert.NotEqual(Drive(3), Drive(4));
        foreach (string line in Drive(5))
        {
            using JsonDocument json = JsonDocument.Parse(line);
            Assert.InRange(json.RootElement.GetProperty("latitude").GetDouble(), 37.2, 37.5);
            Assert.InRange(json.RootElement.GetProperty("speedKmh").GetDouble(), 0, 60);
            Assert.InRange(json.RootElement.GetProperty("batteryPercent").GetDouble(), 0, 100);
        }

        static List<string> Drive(int seed)
        {
            SimulatedCar car = new(new Random(seed));
            ArrayBufferWriter<byte> output = new();
            List<string> lines = [];
            for (int i = 0; i < 2_000; i++)
            {
                car.Drive(TimeSpan.FromSeconds(1));
                output.ResetWrittenCount();
                car.Write(output);
                lines.Add(Encoding.UTF8.GetString(output.WrittenSpan));
            }

            return lines;
        }
    }

    [Theory]
    [InlineData("None", 0)]
    [InlineData("Origin", 1)]
    [InlineData("Next", 1)]
    [InlineData("AllInTurn", 3)]
    public void A_kill_plan_downs_each_cluster_after_the_one_before_is_back(string kind, int steps)
    {
        for (int seed = 0; seed < 50; seed++)
        {
            IReadOnlyList<KillStep> plan = KillPlan.For(Enum.Parse<KillKind>(kind), new Random(seed));
            Assert.Equal(steps, plan.Count);
            double[] moments = [0, .. plan.SelectMany(step => new[] { step.Down, step.Up }), 1];
            Assert.Equal(moments.Order(), moments);
        }
    }

    [Fact]
    public void A_car_resumes_when_another_cluster_confirms_and_not_before()
    {
        ClusterName sj = ClusterName.Parse("sj");
        ClusterName ny = ClusterName.Parse("ny");
        VirtualTime clock = new();
        ResumeTimes resume = new(3, clock);
        resume.Confirmed(0, ny);
        resume.Killed(sj, clock.GetTimestamp(), [0, 1]);
        clock.Advance(TimeSpan.FromMilliseconds(100));
        resume.Confirmed(0, sj);
        resume.Confirmed(2, ny);
        Assert.Equal((2, new ResumeFigures(0, 2, null, null, null)), (resume.Waiting, resume.Figures()));
        resume.Confirmed(0, ny);
        clock.Advance(TimeSpan.FromMilliseconds(200));
        resume.Confirmed(0, ny);
        resume.Confirmed(1, ny);
        Assert.Equal((0, new ResumeFigures(2, 0, 100, 300, 300)), (resume.Waiting, resume.Figures()));
    }

    [Fact]
    public void A_bitmap_holds_what_was_added_and_tells_what_another_misses()
    {
        Bitmap one = new();
        Bitmap other = new();
        int[] numbers = [0, 1, 63, 64, 65, 1000, 100_000];
        foreach (int number in numbers)
        {
            Assert.True(one.Add(number));
            Assert.False(one.Add(number));
        }

        other.Add(64);
        Assert.Equal(numbers.Where(number => number != 64), one.Except(other));
        Assert.Empty(other.Except(one));
        Assert.Equal((7, 0), (one.Count, new Bitmap().Count));
        Assert.False(one[2]);
    }
}
