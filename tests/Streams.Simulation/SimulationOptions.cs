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

    public const string Usage = """
        Plays random worlds of clusters, devices and consumers that decide with the product's own types, and judges them.

          --configuration NAME|all   which world (default all); NAME may be several, with commas
          --seeds N                  how many seeds of each configuration (default 100)
          --first N                  the first seed (default 0)
          --steps N                  steps of chaos in each run (default 1500)
          --without RULE             takes a rule away; may be several, with commas
          --rules                    takes each rule away in turn and shows where that is seen to fail
          --trace SEED               tells one run of one configuration step by step; a failing one is made short before

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
                        return $"--configuration {one}: not known; there are all, {string.Join(", ", Configuration.All.Select(static c => c.Name))}";
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
            case "--seeds" or "--first" or "--trace" or "--steps":
                return Number(ref options, name, value);
            default:
                return $"{name}: no such option";
        }
    }

    private static string? Number(ref SimulationOptions options, string name, string value)
    {
        if (!long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long number) || number > int.MaxValue
            || (name is "--seeds" or "--steps" && number == 0))
        {
            return $"{name} {value}: must be a whole number{(name is "--seeds" or "--steps" ? " from 1 on" : "")}, at most {int.MaxValue}";
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
}
