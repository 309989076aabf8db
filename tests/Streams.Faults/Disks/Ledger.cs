using System.Globalization;

namespace Streams.Faults;

/// <summary>An acknowledged run: consecutive events of a producer at consecutive offsets.</summary>
internal readonly record struct AcknowledgedRun(string Stream, int Partition, long Producer, long First, int Count, long Offset);

/// <summary>An acknowledged cursor.</summary>
internal readonly record struct AcknowledgedCursor(string Stream, int Partition, string Consumer, long Next);

/// <summary>What processes told to have been acknowledged, over all their runs on one disk.</summary>
internal sealed class Ledger
{
    /// <summary>Events in one request at most; each producer has one request under way.</summary>
    public const int MostInOneRequest = 40;

    private readonly List<AcknowledgedRun> _runs = [];
    private readonly List<AcknowledgedCursor> _cursors = [];

    public IReadOnlyList<AcknowledgedRun> Runs => _runs;

    public IReadOnlyList<AcknowledgedCursor> Cursors => _cursors;

    /// <summary>Acknowledged events.</summary>
    public long Events { get; private set; }

    /// <summary>Requests that were refused.</summary>
    public int Refusals { get; private set; }

    /// <summary>Takes the output of a process that has ended. A last line without an end was never said.</summary>
    public void Read(string file)
    {
        var text = File.ReadAllText(file);
        foreach (var line in text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            Take(line.Split(' '));
        }
    }

    private void Take(string[] words)
    {
        switch (words)
        {
            case [AckLine.Stored, var stream, var partition, var producer, var first, var count, var offset]:
                var run = new AcknowledgedRun(
                    stream, (int)Number(partition), Number(producer), Number(first), (int)Number(count), Number(offset));
                _runs.Add(run);
                Events += run.Count;
                break;
            case [AckLine.Committed, var stream, var partition, var consumer, var next]:
                _cursors.Add(new AcknowledgedCursor(stream, (int)Number(partition), consumer, Number(next)));
                break;
            case [AckLine.Refused, ..]:
                Refusals++;
                break;
            case [AckLine.Opened] or [AckLine.Done]:
                break;
            default:
                throw new InvalidDataException($"The writer said something strange: {string.Join(' ', words)}");
        }
    }

    private static long Number(string text) => long.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
