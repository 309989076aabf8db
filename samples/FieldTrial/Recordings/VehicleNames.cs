using System.Text;

namespace FieldTrial;

/// <summary>Numbers vehicles by the text that names them, and gives each a name fit for topics, consumer names and JSON.</summary>
internal sealed class VehicleNames
{
    private const int MaxLength = 64;

    private readonly Dictionary<string, int> _numbers = [];
    private readonly List<string> _names = [];
    private readonly HashSet<string> _taken = [];

    public int Count => _names.Count;

    public string this[int number] => _names[number];

    public int Number(ReadOnlySpan<byte> utf8)
    {
        Span<char> chars = utf8.Length <= 256 ? stackalloc char[256] : new char[utf8.Length];
        ReadOnlySpan<char> text = chars[..Encoding.UTF8.GetChars(utf8, chars)];
        var lookup = _numbers.GetAlternateLookup<ReadOnlySpan<char>>();
        if (!lookup.TryGetValue(text, out int number))
        {
            number = _names.Count;
            lookup[text] = number;
            _names.Add(Fit(text));
        }

        return number;
    }

    private string Fit(ReadOnlySpan<char> text)
    {
        StringBuilder fit = new();
        foreach (char c in text[..Math.Min(text.Length, MaxLength)])
        {
            fit.Append(char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '_');
        }

        string name = fit.Length == 0 ? "unnamed" : fit.ToString();
        string free = name;
        for (int i = 2; !_taken.Add(free); i++)
        {
            free = $"{name}-{i}";
        }

        return free;
    }
}
