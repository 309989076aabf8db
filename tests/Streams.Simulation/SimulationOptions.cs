using System.Globalization;

namespace Streams.Simulation;

/// <summary>What the command line asks for.</summary>
internal sealed record SimulationOptions
{
    public IReadOnlyList<Configuration> Configurations { get; init; } = Configuration.All;

    /// <summary>Seeds of each configuration.</summary>
    public long Seeds { get; init; } = 100;

    public long First { get; init; }

    /// <summary>Steps of each run.</summary>
    public int Steps { get; init; } = 1500;

    public IReadOnlyList<Rule> Without { get; init; } = [];

    /// <summary>One seed to be told step by step, as short as it can be made.</summary>
    public long? Trace { get; init; }

    /// <summary>Whether each rule is taken away in turn.</summary>
    public bool Rules { get; init; }

    /// <summary>The world of thousands of clusters, when <c>--clusters</c> asks for it.</summary>
    public ScaleOptions? Scale { get; init; }

    /// <summary>The storm of devices that lost their cluster, when <c>--devices</c> asks for it.</summary>
    public StormOptions? Storm { get; init; }

    public const string Usage = """
        Plays random worlds of clusters, devices and consumers that decide with the product's own types, and judges them.

        Failover, from one seed each:

          --configuration NAME|all   which world (default all); NAME may be several, with commas
          --seeds N                  how many seeds of each configuration (default 100)
          --first N                  the first seed (default 0)
          --steps N                  steps of chaos in each run (default 1500)
          --without RULE             takes a rule away; may be several, with commas
          --rules                    takes each rule away in turn and shows where that is seen to fail
          --trace SEED               tells one run of one configuration step by step; a failing one is made short before

        Thousands of clusters in one process:
          --clusters N               how many
          --writers N                how many of them have devices that write (default all)
          --topology NAME            random (default), rings, trees, smallworld
          --degree N                 links of each cluster, both ways, in a random graph (default 8)
          --events N                 events that each cluster takes (default 5)
          --flapping PERCENT         links that are going down and up at any time (default 0)
          --movers N                 devices that go from cluster to cluster while they write (default 0)
          --first N                  the seed

        A storm of devices that lost their cluster, with and without hints that spread them:
          --devices N                how many (100000 is a large cluster); --first N is the seed

        Exit code 0: no violation (with --rules: each rule was seen to fail). 1: otherwise. 2: the command line is wrong.
        """;

    /// <summary>Reads the command line; gives what is wrong with it, or <see langword="null"/>.</summary>
    public static string? TryParse(IReadOnlyList<string> args, out SimulationOptions options)
    {
        options = new SimulationOptions();
        for (int i = 0; i < args.Count; i++)
        {
            if (args[i] == "--rules")
            {
                options = options with { Rules = true };
                continue;
            }

            if (i + 1 == args.Count)
            {
                return $"{args[i]}: a value is missing, or the option is not known";
            }

            if (Set(ref options, args[i], args[++i]) is { } fault)
            {
                return fault;
            }
        }

        if (options.Scale is not null && options.Storm is not null)
        {
            return "--clusters and --devices are two different plays: give one of them";
        }

        options = options with
        {
            Scale = options.Scale is { } scale ? scale with { Seed = (int)Math.Clamp(options.First, 1, int.MaxValue) } : null,
            Storm = options.Storm is { } storm ? storm with { Seed = (int)Math.Clamp(options.First, 1, int.MaxValue) } : null,
        };
        return options.Trace is not null && options.Configurations.Count != 1 ? "--trace needs one --configuration" : null;
    }

    private static string? Set(ref SimulationOptions options, string name, string value)
    {
        switch (name)
        {
            case "--configuration":
                List<Configuration> chosen = [];
                foreach (string one in value == "all" ? [] : value.Split(','))
                {
                    if (Configuration.Find(one) is not { } found)
                    {
                        string names = string.Join(", ", Configuration.All.Select(static c => c.Name));
                        return $"--configuration {one}: not known; there are all, {names}";
                    }

                    chosen.Add(found);
                }

                options = options with { Configurations = value == "all" ? Configuration.All : chosen };
                return null;
            case "--without":
                List<Rule> rules = [];
                foreach (string one in value.Split(','))
                {
                    if (!Enum.TryParse(one, ignoreCase: true, out Rule rule) || int.TryParse(one, out _))
                    {
                        return $"--without {one}: not known; there are {string.Join(", ", Enum.GetNames<Rule>())}";
                    }

                    rules.Add(rule);
                }

                options = options with { Without = rules };
                return null;
            case "--topology":
                if (!Enum.TryParse(value, ignoreCase: true, out Shape shape) || int.TryParse(value, out _))
                {
                    return $"--topology {value}: not known; there are {string.Join(", ", Enum.GetNames<Shape>()).ToLowerInvariant()}";
                }

                options = options with { Scale = (options.Scale ?? new ScaleOptions()) with { Topology = shape } };
                return null;
            case "--clusters" or "--writers" or "--degree" or "--events" or "--flapping" or "--movers" or "--devices":
                return Large(ref options, name, value);
            case "--seeds" or "--first" or "--trace" or "--steps":
                return Number(ref options, name, value);
            default:
                return $"{name}: no such option";
        }
    }

    private static string? Number(ref SimulationOptions options, string name, string value)
    {
        bool counts = name is "--seeds" or "--steps";
        long most = counts ? int.MaxValue : long.MaxValue / 4;
        if (!long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long number) || number > most
            || (counts && number == 0))
        {
            return $"{name} {value}: must be a whole number{(counts ? " from 1 on" : "")}, at most {most}";
        }

        options = name switch
        {
            "--seeds" => options with { Seeds = number },
            "--first" => options with { First = number },
            "--steps" => options with { Steps = (int)number },
            _ => options with { Trace = number },
        };
        return null;
    }

    private static string? Large(ref SimulationOptions options, string name, string value)
    {
        (int least, int most) = name switch
        {
            "--clusters" => (4, 10_000),
            "--writers" => (1, 10_000),
            "--degree" => (2, 64),
            "--events" => (1, 1_000),
            "--flapping" => (0, 100),
            "--movers" => (0, 100_000),
            _ => (1_000, 1_000_000),
        };
        if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number < least || number > most)
        {
            return $"{name} {value}: must be a whole number from {least} to {most}";
        }

        ScaleOptions scale = options.Scale ?? new ScaleOptions();
        options = name switch
        {
            "--clusters" => options with { Scale = scale with { Clusters = number } },
            "--writers" => options with { Scale = scale with { Writers = number } },
            "--degree" => options with { Scale = scale with { Degree = number } },
            "--events" => options with { Scale = scale with { EventsPerCluster = number } },
            "--flapping" => options with { Scale = scale with { Flapping = number / 100.0 } },
            "--movers" => options with { Scale = scale with { Movers = number } },
            _ => options with { Storm = new StormOptions { Devices = number } },
        };
        return null;
    }
}
