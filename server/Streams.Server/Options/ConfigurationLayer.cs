using Microsoft.Extensions.Configuration;

namespace Streams.Server;

/// <summary>Takes the section <c>Streams</c> of the file or of the environment apart.</summary>
internal static class ConfigurationLayer
{
    private const string Section = "Streams";

    /// <summary>The options in the file; none when it is not there.</summary>
    public static List<OptionValue> File(string path, List<string> faults)
    {
        try
        {
            IConfigurationRoot file = new ConfigurationBuilder()
                .AddJsonFile(Path.GetFullPath(path), optional: true, reloadOnChange: false)
                .Build();
            string name = Path.GetFileName(path);
            return Split(file.GetSection(Section), faults, key => $"{name} {Section}:{key}");
        }
        catch (Exception fault) when (fault is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            faults.Add($"{path} cannot be read: {(fault.InnerException ?? fault).Message.ReplaceLineEndings(" ")}");
            return [];
        }
    }

    /// <summary>The options in the environment.</summary>
    public static List<OptionValue> Environment(IEnumerable<KeyValuePair<string, string>> variables, List<string> faults)
    {
        const string Prefix = "STREAMS__";
        IEnumerable<KeyValuePair<string, string?>> ours = variables
            .Where(v => v.Key.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            .Select(v => KeyValuePair.Create<string, string?>(v.Key.Replace("__", ":", StringComparison.Ordinal), v.Value));
        IConfigurationRoot environment = new ConfigurationBuilder().AddInMemoryCollection(ours).Build();
        return Split(environment.GetSection(Section), faults,
            key => Prefix + key.Replace(":", "__", StringComparison.Ordinal).ToUpperInvariant());
    }

    private static List<OptionValue> Split(IConfigurationSection section, List<string> faults, Func<string, string> place)
    {
        List<OptionValue> values = [];
        foreach (IConfigurationSection child in section.GetChildren())
        {
            OptionKey? key = OptionKey.All.FirstOrDefault(k => k.Name.Equals(child.Key, StringComparison.OrdinalIgnoreCase));
            if (key is null)
            {
                faults.Add($"{place(child.Key)}: unknown option, known are {string.Join(", ", OptionKey.All.Select(k => k.Name))}");
            }
            else if (key.IsFlag)
            {
                faults.Add($"{place(child.Key)}: it is true of one start only, give {key.Switch} on the command line");
            }
            else
            {
                Add(values, key, child, faults, place);
            }
        }

        return values;
    }

    private static void Add(
        List<OptionValue> values, OptionKey key, IConfigurationSection child, List<string> faults, Func<string, string> place)
    {
        IConfigurationSection[] items = [.. child.GetChildren()];
        if (items.Length == 0)
        {
            // An empty list in the file is a value of null or of nothing: no link at all.
            if (!(key.MayRepeat && string.IsNullOrEmpty(child.Value)))
            {
                values.Add(new OptionValue(key, child.Value ?? string.Empty, place(child.Key)));
            }
        }
        else if (key.MayRepeat && items.All(i => i.Value is not null))
        {
            values.AddRange(items.Select(i => new OptionValue(key, i.Value!, place($"{child.Key}:{i.Key}"))));
        }
        else
        {
            faults.Add($"{place(child.Key)}: must be {(key.MayRepeat ? "a list of texts" : "one text")}");
        }
    }
}
