using System.Globalization;

namespace FieldTrial;

/// <summary>Reads the values of options; what is wrong is added to the faults, one line each.</summary>
internal static class OptionValues
{
    public static int Whole(string name, string value, int least, int most, List<string> faults)
    {
        if (!int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) || number < least
            || number > most)
        {
            faults.Add($"{name} {value}: must be a whole number from {least} to {most}");
            return least;
        }

        return number;
    }

    public static double Number(string name, string value, double least, double most, List<string> faults)
    {
        if (!double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            || !(number >= least && number <= most))
        {
            faults.Add($"{name} {value}: must be a number from {least} to {most}");
            return least;
        }

        return number;
    }

    public static T Choice<T>(string name, string value, IReadOnlyDictionary<string, T> choices, List<string> faults)
    {
        if (!choices.TryGetValue(value, out T? choice))
        {
            faults.Add($"{name} {value}: must be one of {string.Join(", ", choices.Keys)}");
        }

        return choice!;
    }

    public static string ExistingFile(string name, string value, List<string> faults)
    {
        if (!File.Exists(value))
        {
            faults.Add($"{name} {value}: there is no such file");
        }

        return value;
    }

    public static string WritableFile(string name, string value, List<string> faults)
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

    /// <summary>Pairs of an option and its value, and flags alone.</summary>
    public static List<(string Name, string Value)> Pairs(IReadOnlyList<string> arguments, Func<string, bool> isKnown,
        Func<string, bool> isFlag, List<string> faults)
    {
        List<(string, string)> pairs = [];
        HashSet<string> given = [];
        for (int i = 0; i < arguments.Count; i++)
        {
            string name = arguments[i];
            if (isFlag(name))
            {
                pairs.Add((name, string.Empty));
            }
            else if (!isKnown(name))
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
                pairs.Add((name, arguments[++i]));
            }
        }

        return pairs;
    }
}
