using FieldTrial;
using FleetFailover;

namespace Streams.EndToEnd.Tests;

public sealed class FleetOptionsTests
{
    [Fact]
    public void Without_options_fifty_cars_drive_twenty_seconds_and_lose_their_cluster()
    {
        (FleetOptions options, IReadOnlyList<string> faults) = Parse();
        Assert.Empty(faults);
        Assert.Equal((50, 20, 5.0, KillKind.Origin, SabotageKind.None, false),
            (options.Cars, options.Seconds, options.Rate, options.Kill, options.Sabotage, options.Keep));
    }

    [Fact]
    public void Every_option_is_read()
    {
        string file = typeof(FleetOptionsTests).Assembly.Location;
        (FleetOptions options, IReadOnlyList<string> faults) =
            Parse("--cars", "7", "--seconds", "9", "--replay", file, "--replay-id", "bus", "--replay-time", "at",
            "--replay-speed", "2.5", "--kill", "all-in-turn", "--sabotage", "reorder", "--report", "r.json", "--seed", "42", "--drain",
                "8", "--server", file, "--keep");
        Assert.Empty(faults);
        Assert.Equal(
            new FleetOptions
            {
                Cars = 7,
                Seconds = 9,
                Replay = file,
                ReplayId = "bus",
                ReplayTime = "at",
                ReplaySpeed = 2.5,
                Kill = KillKind.AllInTurn,
                Sabotage = SabotageKind.Reorder,
                Report = "r.json",
                Seed = 42,
                Drain = 8,
                Server = file,
                Keep = true,
                CarsGiven = true,
                SecondsGiven = true,
            },
            options);
    }

    [Theory]
    [InlineData("--cars 0", "--cars 0: must be a whole number from 1 to 2000")]
    [InlineData("--cars many", "--cars many: must be a whole number from 1 to 2000")]
    [InlineData("--seconds 1.5", "--seconds 1.5: must be a whole number from 1 to 86400")]
    [InlineData("--rate NaN", "--rate NaN: must be a number from 0.01 to 1000")]
    [InlineData("--kill sj", "--kill sj: must be one of none, origin, next, all-in-turn")]
    [InlineData("--sabotage none", "--sabotage none: must be one of lose, duplicate, reorder, mismatch")]
    [InlineData("--replay nowhere.csv", "--replay nowhere.csv: there is no such file")]
    [InlineData("--replay-id bus", "--replay-id: only together with --replay FILE")]
    [InlineData("--report nowhere/r.json", "--report nowhere/r.json: its directory does not exist")]
    [InlineData("--seed -1", "--seed -1: must be a whole number from 0 to 2147483647")]
    [InlineData("--cars", "--cars: needs a value")]
    [InlineData("--cars --keep", "--cars: needs a value")]
    [InlineData("--cars 3 --cars 4", "--cars: given twice")]
    [InlineData("--speed", "--speed: no such option; --help lists them")]
    [InlineData("fast", "fast: no such option; --help lists them")]
    public void A_fault_is_one_clear_line(string arguments, string fault) => Assert.Equal([fault], Parse(arguments.Split(' ')).Faults);

    [Fact]
    public void All_faults_are_told_at_once() => Assert.Equal(3, Parse("--cars", "0", "--what", "--kill", "x").Faults.Count);

    [Fact]
    public void A_fresh_seed_is_made_when_none_is_given() =>
        Assert.NotEqual(FleetOptionsParser.Parse([], new Random(1)).Options.Seed, FleetOptionsParser.Parse([], new Random(2)).Options.Seed);

    private static (FleetOptions Options, IReadOnlyList<string> Faults) Parse(params string[] arguments) =>
        FleetOptionsParser.Parse(arguments, new Random(1));
}
