namespace EdgeGateway;

/// <summary>Reads the command line. Nothing is started before all of it is right.</summary>
internal static class GatewayOptionsParser
{
    public const string Usage = """
        Machines that speak MQTT, one edge agent, two clusters; the uplink is cut, the agent killed, the first cluster killed, the clock
        jumps: is anything lost, doubled or out of order?

          --machines N       machines behind the agent (500)
          --seconds N        seconds of load (45)
          --rate N           events per second and machine (1)
          --data FOLDER      recordings to play: nab_sensors and kit_obd2 (STREAMS_SAMPLE_DATA, or shared/data above this repository;
                             generated readings when there are none)
          --skip PARTS       leave out of the story, separated by commas: cut, agent, cluster, clock, sleep
          --mosquitto N      machines that are mosquitto's programs, where they are installed (4)
          --sabotage HOW     lose, duplicate, reorder or mismatch: one fault put before the judge, who must find it
          --report FILE      write the figures as JSON
          --seed N           repeat machines and moments (fresh)
          --drain N          seconds in which everything must have arrived after the load (120)
          --server PATH      the server to run (the one built with this sample)
          --agent PATH       the agent to run (the one built with this sample)
          --offline-day      in place of the story: 24 hours without uplink at 1,000 events a second, then the drain with live data
          --scale X          the part of that day's events, and of a store of 1 GiB, from 0.001 to 1 (1/60)
          --keep             leave all as it is after the verdict, until Ctrl+C, and the data for good

        Exit code: 0 when every promise was kept, 1 when not, 2 for a faulty command line, 130 when interrupted.
        """;

    public static readonly IReadOnlyDictionary<string, SabotageKind> SabotageNames = new Dictionary<string, SabotageKind>
    {
        ["lose"] = SabotageKind.Lose,
        ["duplicate"] = SabotageKind.Duplicate,
        ["reorder"] = SabotageKind.Reorder,
        ["mismatch"] = SabotageKind.Mismatch,
    };

    public static readonly IReadOnlyDictionary<string, StoryParts> PartNames = new Dictionary<string, StoryParts>
    {
        ["cut"] = StoryParts.Cut,
        ["agent"] = StoryParts.Agent,
        ["cluster"] = StoryParts.Cluster,
        ["clock"] = StoryParts.Clock,
        ["sleep"] = StoryParts.Sleep,
    };

    private static readonly HashSet<string> Names = ["--machines", "--seconds", "--rate", "--data", "--skip", "--mosquitto", "--sabotage",
        "--report", "--seed", "--drain", "--server", "--agent", "--scale"];

    /// <summary>The options, or all that is wrong with them, one line each.</summary>
    public static (GatewayOptions Options, IReadOnlyList<string> Faults) Parse(IReadOnlyList<string> arguments, Random fresh)
    {
        GatewayOptions options = new() { Seed = fresh.Next() };
        List<string> faults = [];
        foreach ((string name, string value) in OptionValues.Pairs(arguments, Names.Contains,
            static name => name is "--keep" or "--offline-day", faults))
        {
            options = Apply(options, name, value, faults);
        }

        return (options, faults);
    }

    private static GatewayOptions Apply(GatewayOptions options, string name, string value, List<string> faults) => name switch
    {
        "--keep" => options with { Keep = true },
        "--offline-day" => options with { OfflineDay = true },
        "--scale" => options with { Scale = OptionValues.Number(name, value, 0.001, 1, faults) },
        "--machines" => options with { Machines = OptionValues.Whole(name, value, 1, GatewayOptions.MaxMachines, faults) },
        "--seconds" => options with { Seconds = OptionValues.Whole(name, value, 1, 86_400, faults) },
        "--rate" => options with { Rate = OptionValues.Number(name, value, 0.01, 100, faults) },
        "--data" => options with { Data = ExistingFolder(name, value, faults) },
        "--skip" => options with { Skip = Parts(name, value, faults) },
        "--mosquitto" => options with { Mosquitto = OptionValues.Whole(name, value, 0, 100, faults) },
        "--sabotage" => options with { Sabotage = OptionValues.Choice(name, value, SabotageNames, faults) },
        "--report" => options with { Report = OptionValues.WritableFile(name, value, faults) },
        "--seed" => options with { Seed = OptionValues.Whole(name, value, 0, int.MaxValue, faults) },
        "--drain" => options with { Drain = OptionValues.Whole(name, value, 1, 86_400, faults) },
        "--server" => options with { Server = OptionValues.ExistingFile(name, value, faults) },
        _ => options with { Agent = OptionValues.ExistingFile(name, value, faults) },
    };

    private static StoryParts Parts(string name, string value, List<string> faults)
    {
        StoryParts parts = StoryParts.None;
        foreach (string part in value.Split(',', StringSplitOptions.TrimEntries))
        {
            parts |= OptionValues.Choice(name, part, PartNames, faults);
        }

        return parts;
    }

    private static string ExistingFolder(string name, string value, List<string> faults)
    {
        if (!Directory.Exists(value))
        {
            faults.Add($"{name} {value}: there is no such folder");
        }

        return value;
    }
}
