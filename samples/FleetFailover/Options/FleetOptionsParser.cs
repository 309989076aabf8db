using System.Globalization;

namespace FleetFailover;

/// <summary>Reads the command line. Nothing is started before all of it is right.</summary>
internal static class FleetOptionsParser
{
    public const string Usage = """
        Three clusters, a fleet of cars, and the cars' cluster killed under load: is anything lost, doubled or out of order?

          --cars N           cars of the simulated fleet (50); with --replay: only its first N vehicles
          --seconds N        seconds of load (20); with --replay: its end at the latest
          --rate N           events per second and car (5)
          --replay FILE      drive the fleet from FILE.csv or FILE.csv.gz instead of simulating it
          --replay-id NAME   its column with the vehicle (guessed)
          --replay-time NAME its column with the time (guessed)
          --replay-speed X   so many times as fast as recorded; 0 as fast as it goes (0)
          --kill WHICH       none, origin, next or all-in-turn (origin)
          --sabotage HOW     lose, duplicate, reorder or mismatch: one fault put before the judge, who must find it
          --report FILE      write the figures as JSON
          --seed N           repeat a fleet and its kill times (fresh)
          --drain N          seconds in which everything must have arrived after the load (180)
          --server PATH      the server to run (the one built with this sample)
          --keep             leave the clusters running after the verdict, until Ctrl+C, and their data for good

        Exit code: 0 when every promise was kept, 1 when not, 2 for a faulty command line, 130 when interrupted.
        """;

    /// <summary>The options, or all that is wrong with them, one line each.</summary>
    public static (FleetOptions Options, IReadOnlyList<string> Faults) Parse(IReadOnlyList<string> arguments, Random fresh)
    {
        FleetOptions options = new() { Seed = fresh.Next() };
        List<string> faults = [];
        HashSet<string> given = [];
        foreach ((string name, string value) in OptionValues.Pairs(arguments, IsKnown, static name => name == "--keep", faults))
        {
            _ = given.Add(name);
            options = name == "--keep" ? options with { Keep = true } : Apply(options, name, value, faults);
        }

        CheckTogether(options, given, faults);
        return (options with { CarsGiven = given.Contains("--cars"), SecondsGiven = given.Contains("--seconds") }, faults);
    }

    private static bool IsKnown(string name) => name is "--cars" or "--seconds" or "--rate" or "--replay" or "--replay-id"
        or "--replay-time" or "--replay-speed" or "--kill" or "--sabotage" or "--report" or "--seed" or "--drain" or "--server";

    private static FleetOptions Apply(FleetOptions options, string name, string value, List<string> faults) => name switch
    {
        "--cars" => options with { Cars = OptionValues.Whole(name, value, 1, FleetOptions.MaxCars, faults) },
        "--seconds" => options with { Seconds = OptionValues.Whole(name, value, 1, 86_400, faults) },
        "--rate" => options with { Rate = OptionValues.Number(name, value, 0.01, 1_000, faults) },
        "--replay" => options with { Replay = OptionValues.ExistingFile(name, value, faults) },
        "--replay-id" => options with { ReplayId = value },
        "--replay-time" => options with { ReplayTime = value },
        "--replay-speed" => options with { ReplaySpeed = OptionValues.Number(name, value, 0, 1e9, faults) },
        "--kill" => options with { Kill = OptionValues.Choice(name, value, KillNames, faults) },
        "--sabotage" => options with { Sabotage = OptionValues.Choice(name, value, SabotageNames, faults) },
        "--report" => options with { Report = OptionValues.WritableFile(name, value, faults) },
        "--seed" => options with { Seed = OptionValues.Whole(name, value, 0, int.MaxValue, faults) },
        "--drain" => options with { Drain = OptionValues.Whole(name, value, 1, 86_400, faults) },
        _ => options with { Server = OptionValues.ExistingFile(name, value, faults) },
    };

    public static readonly IReadOnlyDictionary<string, KillKind> KillNames = new Dictionary<string, KillKind>
    {
        ["none"] = KillKind.None,
        ["origin"] = KillKind.Origin,
        ["next"] = KillKind.Next,
        ["all-in-turn"] = KillKind.AllInTurn,
    };

    public static readonly IReadOnlyDictionary<string, SabotageKind> SabotageNames = new Dictionary<string, SabotageKind>
    {
        ["lose"] = SabotageKind.Lose,
        ["duplicate"] = SabotageKind.Duplicate,
        ["reorder"] = SabotageKind.Reorder,
        ["mismatch"] = SabotageKind.Mismatch,
    };

    private static void CheckTogether(FleetOptions options, HashSet<string> given, List<string> faults)
    {
        foreach (string name in new[] { "--replay-id", "--replay-time", "--replay-speed" })
        {
            if (given.Contains(name) && options.Replay is null && !given.Contains("--replay"))
            {
                faults.Add($"{name}: only together with --replay FILE");
            }
        }

        if (given.Contains("--replay") && given.Contains("--rate"))
        {
            faults.Add("--rate: a replay has its own pace; use --replay-speed");
        }
    }
}
