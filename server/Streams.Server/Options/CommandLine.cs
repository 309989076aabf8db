namespace Streams.Server;

/// <summary>Takes the command line apart: <c>--key value</c>, <c>--key=value</c> and flags.</summary>
internal static class CommandLine
{
    public static List<OptionValue> Split(IReadOnlyList<string> arguments, List<string> faults)
    {
        List<OptionValue> values = [];
        for (int i = 0; i < arguments.Count; i++)
        {
            (string name, string? value) = Parts(arguments[i]);
            OptionKey? key = OptionKey.All.FirstOrDefault(k => k.Switch == name);
            if (key is null)
            {
                faults.Add(Unknown(arguments[i], name));

                // What follows an unknown option is most likely its value, and no fault of its own.
                i += IsSwitch(arguments[i]) && value is null && i + 1 < arguments.Count && !IsSwitch(arguments[i + 1]) ? 1 : 0;
            }
            else if (key.IsFlag)
            {
                AddFlag(values, key, value, faults);
            }
            else if (value is not null || (i + 1 < arguments.Count && !IsSwitch(arguments[i + 1])))
            {
                values.Add(new OptionValue(key, value ?? arguments[++i], key.Switch));
            }
            else
            {
                faults.Add($"{key.Switch}: its value is missing: {key.Switch} {key.ValueName}");
            }
        }

        foreach (IGrouping<OptionKey, OptionValue> repeated in values.GroupBy(v => v.Key).Where(g => g.Count() > 1 && !g.Key.MayRepeat))
        {
            faults.Add($"{repeated.Key.Switch}: given {repeated.Count()} times, it may stand once");
        }

        return values;
    }

    private static (string Name, string? Value) Parts(string argument)
    {
        int equals = argument.IndexOf('=', StringComparison.Ordinal);
        return IsSwitch(argument) && equals > 0 ? (argument[..equals], argument[(equals + 1)..]) : (argument, null);
    }

    private static bool IsSwitch(string argument) => argument.StartsWith("--", StringComparison.Ordinal);

    private static void AddFlag(List<OptionValue> values, OptionKey key, string? value, List<string> faults)
    {
        if (value is null)
        {
            values.Add(new OptionValue(key, string.Empty, key.Switch));
        }
        else
        {
            faults.Add($"{key.Switch}: takes no value, '{value}' was given");
        }
    }

    private static string Unknown(string argument, string name)
    {
        if (!argument.StartsWith('-'))
        {
            return $"'{argument}': options begin with --, see --help";
        }

        string wanted = name.TrimStart('-').Replace("-", "", StringComparison.Ordinal);
        OptionKey? near = OptionKey.All.FirstOrDefault(k => k.Name.Equals(wanted, StringComparison.OrdinalIgnoreCase))
            ?? OptionKey.All.FirstOrDefault(k => wanted.Length > 2 && k.Name.StartsWith(wanted, StringComparison.OrdinalIgnoreCase));
        return near is null ? $"{name}: unknown option, see --help" : $"{name}: unknown option, did you mean {near.Switch}?";
    }
}
