using System.Globalization;

namespace Streams.Faults;

/// <summary>
/// What the processes of one device told, over all its lives, read from the file that their output goes to while they write it. A last line
/// without an end was never said.
/// </summary>
internal sealed class DeviceLog(string file)
{
    private readonly Dictionary<int, long> _begun = [];
    private readonly HashSet<int> _published = [];
    private readonly HashSet<int> _refused = [];
    private readonly Dictionary<int, string> _failed = [];
    private readonly Dictionary<int, long> _stored = [];
    private readonly Dictionary<int, string> _dropped = [];
    private readonly List<GivenEvent> _given = [];
    private readonly HashSet<int> _givenNumbers = [];
    private readonly Dictionary<int, long> _killed = [];
    private long _read;
    private string _tail = "";

    public string File => file;

    /// <summary>Numbers whose publishing was begun, with the time.</summary>
    public IReadOnlyDictionary<int, long> Begun => _begun;

    /// <summary>Numbers whose publishing returned: on the device's disk.</summary>
    public IReadOnlySet<int> Published => _published;

    /// <summary>Numbers that a full outbox rejected under its rule.</summary>
    public IReadOnlySet<int> Refused => _refused;

    /// <summary>Numbers whose publishing threw, with the message.</summary>
    public IReadOnlyDictionary<int, string> Failed => _failed;

    /// <summary>Numbers that a cluster acknowledged, with the time when the device knew.</summary>
    public IReadOnlyDictionary<int, long> Stored => _stored;

    /// <summary>Numbers whose receipts told that they were dropped, with the outcome.</summary>
    public IReadOnlyDictionary<int, string> Dropped => _dropped;

    /// <summary>Lives in which the outbox opened.</summary>
    public int Opened { get; private set; }

    /// <summary>Lives that ended with everything at a cluster.</summary>
    public int Flushed { get; private set; }

    /// <summary>What was said when an outbox could not be opened; <see langword="null"/> when none failed.</summary>
    public string? Unopened { get; private set; }

    public int LastBegun { get; private set; }

    /// <summary>What a reading process was given, in that order.</summary>
    public IReadOnlyList<GivenEvent> Given => _given;

    /// <summary>Whether a reading process was given this.</summary>
    public bool HasGiven(int number) => _givenNumbers.Contains(number);

    /// <summary>Notes when the life that now ends was killed, or last heard of.</summary>
    public void Killed(long time) => _killed.TryAdd(Opened, time);

    /// <summary>When a life was killed; a life that ended by itself never was.</summary>
    public long KilledAt(int life) => _killed.GetValueOrDefault(life, long.MaxValue);

    /// <summary>Takes what has been written since.</summary>
    public void Refresh()
    {
        if (!System.IO.File.Exists(file))
        {
            return;
        }

        using var input = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        input.Position = _read;
        using var reader = new StreamReader(input);
        var text = reader.ReadToEnd();
        _read += System.Text.Encoding.UTF8.GetByteCount(text);
        text = _tail + text;
        var end = text.LastIndexOf('\n') + 1;
        _tail = text[end..];
        foreach (var line in text[..end].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            Take(line.Split(' ', 4));
        }
    }

    private void Take(string[] words)
    {
        var time = long.Parse(words[0], NumberStyles.None, CultureInfo.InvariantCulture);
        var number = words.Length > 2 ? int.Parse(words[2], NumberStyles.None, CultureInfo.InvariantCulture) : 0;
        var text = words.Length > 3 ? words[3] : "";
        switch (words[1])
        {
            case Tell.Opened:
                Opened++;
                break;
            case Tell.Begun:
                _begun[number] = time;
                LastBegun = Math.Max(LastBegun, number);
                break;
            case Tell.Published:
                _published.Add(number);
                break;
            case Tell.Refused:
                _refused.Add(number);
                break;
            case Tell.Failed when number == 0:
                Unopened = text;
                break;
            case Tell.Failed:
                _failed[number] = text;
                break;
            case Tell.Unsure:
                break;                                        // a flush that failed: on the disk or not, as if it had been killed there
            case Tell.Stored:
                _stored.TryAdd(number, time);
                break;
            case Tell.Dropped:
                _dropped[number] = text;
                break;
            case Tell.Given:
                _given.Add(new GivenEvent(number, text, Opened, time));
                _givenNumbers.Add(number);
                break;
            case Tell.Flushed:
                Flushed++;
                break;
            default:
                throw new InvalidDataException($"The device said something strange: {string.Join(' ', words)}");
        }
    }
}
