using System.Globalization;
using System.Text;
using Streams.Core;

namespace Streams.Faults;

/// <summary>
/// Writes what was acknowledged to the standard output, a line each with one call of the system, before anything else is done: whatever
/// becomes of the process, the line is out. Safe from several threads.
/// </summary>
internal sealed class AckWriter : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Stream _output = Console.OpenStandardOutput();

    /// <summary>Consecutive events of a producer stand at consecutive offsets.</summary>
    public void Stored(StreamPartition partition, long producer, long first, int count, long offset)
        => Line(string.Create(
            CultureInfo.InvariantCulture,
            $"{AckLine.Stored} {partition.Stream} {partition.Partition.Value} {producer} {first} {count} {offset}"));

    /// <summary>A consumer committed its cursor.</summary>
    public void Committed(StreamPartition partition, string consumer, long next)
        => Line(string.Create(
            CultureInfo.InvariantCulture, $"{AckLine.Committed} {partition.Stream} {partition.Partition.Value} {consumer} {next}"));

    /// <summary>Something was refused; the reason is for people.</summary>
    public void Refused(Exception cause) => Line($"{AckLine.Refused} {cause.GetType().Name} {cause.Message.ReplaceLineEndings(" ")}");

    /// <summary>A word about how far the process is.</summary>
    public void Said(string word) => Line(word);

    public void Dispose() => _output.Dispose();

    private void Line(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text + "\n");
        lock (_gate)
        {
            _output.Write(bytes);
        }
    }
}

/// <summary>With which word each kind of line begins.</summary>
internal static class AckLine
{
    public const string Stored = "E";
    public const string Committed = "C";
    public const string Refused = "R";
    public const string Opened = "opened";
    public const string Done = "done";
}
