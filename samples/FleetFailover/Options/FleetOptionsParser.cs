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
        for (int i = 0; i < arguments.Count; i++)
        {
            string name = arguments[i];
            if (name == "--keep")
            {
                options = options with { Keep = true };
                continue;
            }

            if (!IsKnown(name))
            {
                faults.Add($"{name}: no such option; --help lists them");
            }
            else if (!given.Add(name))
            {
                faults.Add($"{name}: given twice");
                i++;
            }
            else if (i + 1 == arguments.Count || arguments[i + 1].StartsWith("--", StringComparison.Ordinal))
            {
                faults.Add($"{name}: needs a value");
            }
            else
            {
                options = Apply(options, name, arguments[++i], faults);
            }
        }

        CheckTogether(options, given, faults);
        return (options with { CarsGiven = given.Contains("--cars"), SecondsGiven = given.Contains("--seconds") }, faults);
    }

    private static bool IsKnown(string name) => name is "--cars" or "--seconds" or "--rate" or "--replay" or "--replay-id"
        or "--replay-time" or "--replay-speed" or "--kill" or "--sabotage" or "--report" or "--seed" or "--drain" or "--server";

    private static FleetOptions Apply(FleetOptions options, string name, string value, List<string> faults) => name switch
    {
        "--cars" => options with { Cars = Whole(name, value, 1, FleetOptions.MaxCars, faults) },
        "--seconds" => options with { Seconds = Whole(name, value, 1, 86_400, faults) },
        "--rate" => options with { Rate = Number(name, value, 0.01, 1_000, faults) },
        "--replay" => options with { Replay = ExistingFile(name, value, faults) },
        "--replay-id" => options with { ReplayId = value },
        "--replay-time" => options with { ReplayTime = value },
        "--replay-speed" => options with { ReplaySpeed = Number(name, value, 0, 1e9, faults) },
        "--kill" => options with { Kill = Choice(name, value, KillNames, faults) },
        "--sabotage" => options with { Sabotage = Choice(name, value, SabotageNames, faults) },
        "--report" => options with { Report = WritableFile(name, value, faults) },
        "--seed" => options with { Seed = Whole(name, value, 0, int.MaxValue, faults) },
        "--drain" => options with { Drain = Whole(name, value, 1, 86_400, faults) },
        _ => options with { Server = ExistingFile(name, value, faults) },
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

    private static int Whole(string name, string value, int least, int most, List<string> faults)
    {
        if (!int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) || number < least
            || number > most)
        {
            faults.Add($"{name} {value}: must be a whole number from {least} to {most}");
            return least;
        }

        return number;
    }

    private static double Number(string name, string value, double least, double most, List<string> faults)
    {
        if (!double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            || !(number >= least && number <= most))
        {
            faults.Add($"{name} {value}: must be a number from {least} to {most}");
            return least;
        }

        return number;
    }

    private static T Choice<T>(string name, string value, IReadOnlyDictionary<string, T> choices, List<string> faults)
    {
        if (!choices.TryGetValue(value, out T? choice))
        {
            faults.Add($"{name} {value}: must be one of {string.Join(", ", choices.Keys)}");
        }

        return choice!;
    }

    private static string ExistingFile(string name, string value, List<string> faults)
    {
        if (!File.Exists(value))
        {
            faults.Add($"{name} {value}: there is no such file");
        }

        return value;
    }

    private static string WritableFile(string name, string value, List<string> faults)
    {
        if (Directory.Exists(value))
        {
            faults.Add($"{name} {value}: is a directory");
        }
        else if (!Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(value))))
        {
            faults.Add($"{name} {value}: its directory does not exist");
        }

        return value;
    }
}
