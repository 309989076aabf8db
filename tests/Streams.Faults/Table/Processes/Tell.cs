using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Streams.Faults;

/// <summary>
/// Tells what a process has done: a line each on the standard output, with one call of the system, and in front of it the steady clock that
/// all processes of a machine share. Whatever becomes of the process, the line is out. Safe from several threads.
/// </summary>
internal sealed class Tell : IDisposable
{
    public const string Opened = "opened";
    public const string Begun = "begun";
    public const string Published = "published";
    public const string Refused = "refused";
    public const string Failed = "failed";
    public const string Unsure = "unsure";
    public const string Stored = "stored";
    public const string Dropped = "dropped";
    public const string Given = "given";
    public const string Gap = "gap";
    public const string Flushed = "flushed";

    private readonly Lock _gate = new();
    private readonly Stream _output = Console.OpenStandardOutput();

    public void Line(string word) => Write(word);

    public void Line(string word, int number) => Write(string.Create(CultureInfo.InvariantCulture, $"{word} {number}"));

    public void Line(string word, int number, string text)
        => Write(string.Create(CultureInfo.InvariantCulture, $"{word} {number} {text.ReplaceLineEndings(" ")}"));

    public void Dispose() => _output.Dispose();

    private void Write(string text)
    {
        lock (_gate)
        {
            _output.Write(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetTimestamp()} {text}\n")));
        }
    }
}
