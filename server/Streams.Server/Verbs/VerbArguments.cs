using System.Globalization;
using Streams.Core;

namespace Streams.Server;

/// <summary>Takes the arguments of a verb apart: one directory, then options of its own.</summary>
internal sealed class VerbArguments
{
    private readonly Dictionary<string, string> _values = [];
    private readonly List<string> _faults = [];
    private readonly string _verb;

    /// <summary>Reads them.</summary>
    /// <param name="arguments">The command line, the verb first.</param>
    /// <param name="options">Options that take a value.</param>
    /// <param name="flags">Options that take none.</param>
    public VerbArguments(IReadOnlyList<string> arguments, string[] options, string[] flags)
    {
        _verb = arguments[0];
        for (int i = 1; i < arguments.Count; i++)
        {
            int equals = arguments[i].StartsWith("--", StringComparison.Ordinal) ? arguments[i].IndexOf('=', StringComparison.Ordinal) : -1;
            string name = equals > 0 ? arguments[i][..equals] : arguments[i];
            if (!name.StartsWith("--", StringComparison.Ordinal))
            {
                Set("DATA", name);
            }
            else if (flags.Contains(name) && equals < 0)
            {
                Set(name, string.Empty);
            }
            else if (!options.Contains(name))
            {
                _faults.Add(flags.Contains(name) ? $"{name}: takes no value" : $"{name}: unknown option of {_verb}, see --help");
            }
            else if (equals < 0 && i + 1 == arguments.Count)
            {
                _faults.Add($"{name}: its value is missing");
            }
            else
            {
                Set(name, equals > 0 ? arguments[i][(equals + 1)..] : arguments[++i]);
            }
        }

        if (!_values.ContainsKey("DATA"))
        {
            _faults.Add($"{_verb}: name the data directory, as in '{_verb} ./streams-data'");
        }
    }

    /// <summary>The directory.</summary>
    public string Directory => _values.GetValueOrDefault("DATA", string.Empty);

    public bool Has(string name) => _values.ContainsKey(name);

    public string? Text(string name) => _values.GetValueOrDefault(name);

    public long Number(string name, long otherwise)
    {
        if (!_values.TryGetValue(name, out string? text))
        {
            return otherwise;
        }

        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number))
        {
            _faults.Add($"{name} '{text}': must be a whole number");
        }

        return number;
    }

    /// <summary>Tells of all that is wrong.</summary>
    /// <exception cref="ConfigurationException">Something is; a fault a line.</exception>
    public void Check()
    {
        if (_faults.Count > 0)
        {
            throw new ConfigurationException(string.Join('\n', _faults));
        }
    }

    private void Set(string name, string value)
    {
        if (!_values.TryAdd(name, value))
        {
            _faults.Add($"{(name == "DATA" ? $"'{value}'" : name)}: given twice, it may stand once");
        }
    }
}
