using System.Globalization;

namespace Streams.Faults;

/// <summary>What the command line of <c>table</c> asks for.</summary>
internal sealed record TableOptions
{
    public const int MostRuns = 10_000;

    public const string Usage = """
        Plays each fault of the fault table against real processes and counts what a reader sees.

        table [options]
          --seed N         begins the same chances again (default 1)
          --runs N         runs of each row (default 10)
          --rows A,B       these rows only
          --report FILE    writes everything counted as JSON
          --markdown FILE  puts the table into a document, between the lines <!-- table --> and <!-- end of table -->
          --sabotage WHAT  drop, repeat or swap: changes one event between the reader and the judge; every row must fail
          --list           tells the rows

        Build first: dotnet build Streams.sln -c Release. Rows that need root or a tool that is not there are skipped and say so.
        Exit code 0: every row is good. 1: one is not. 2: the command line is wrong.
        """;

    public int Seed { get; init; } = 1;

    public int Runs { get; init; } = 10;

    public IReadOnlyList<FaultRow> Rows { get; init; } = FaultRows.All;

    public string? Report { get; init; }

    public string? Markdown { get; init; }

    public Sabotage Sabotage { get; init; }

    public bool IsList { get; init; }

    /// <summary>Reads the command line; gives what is wrong with it, or <see langword="null"/>.</summary>
    public static string? TryParse(IReadOnlyList<string> arguments, out TableOptions options)
    {
        options = new TableOptions();
        for (var i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] == "--list")
            {
                options = options with { IsList = true };
                continue;
            }

            if (i + 1 == arguments.Count)
            {
                return $"{arguments[i]}: a value is missing, or the option is not known";
            }

            if (Set(ref options, arguments[i], arguments[++i]) is { } fault)
            {
                return fault;
            }
        }

        return options.Markdown is { } file && options.Rows.Count < FaultRows.All.Count
            ? $"--markdown {file}: a document gets the whole table, so leave --rows away"
            : null;
    }

    private static string? Set(ref TableOptions options, string name, string value)
    {
        switch (name)
        {
            case "--seed" or "--runs":
                var most = name == "--seed" ? int.MaxValue : MostRuns;
                if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number < 1 || number > most)
                {
                    return $"{name} {value}: must be a whole number from 1 to {most}";
                }

                options = name == "--seed" ? options with { Seed = number } : options with { Runs = number };
                return null;
            case "--rows":
                List<FaultRow> rows = [];
                foreach (var one in value.Split(','))
                {
                    if (FaultRows.Find(one) is not { } row)
                    {
                        return $"--rows {one}: no such row; there are {string.Join(", ", FaultRows.All.Select(all => all.Name))}";
                    }

                    rows.Add(row);
                }

                options = options with { Rows = rows };
                return null;
            case "--report":
                options = options with { Report = value };
                return null;
            case "--markdown" when !File.Exists(value) || !TableText.HasPlace(File.ReadAllText(value)):
                return $"--markdown {value}: must be a document with the lines {TableText.Begin} and {TableText.End}";
            case "--markdown":
                options = options with { Markdown = value };
                return null;
            case "--sabotage":
                if (!Enum.TryParse(value, ignoreCase: true, out Sabotage sabotage) || int.TryParse(value, out _))
                {
                    return $"--sabotage {value}: must be drop, repeat or swap";
                }

                options = options with { Sabotage = sabotage };
                return null;
            default:
                return $"{name}: no such option";
        }
    }
}
