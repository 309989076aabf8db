using System.Text.RegularExpressions;

namespace Streams.Faults;

/// <summary>A call of the system as strace wrote it.</summary>
/// <param name="Name">The call.</param>
/// <param name="Arguments">Its arguments, with the paths of its files.</param>
/// <param name="Result">What it gave, with the reason of a refusal.</param>
internal readonly record struct TracedCall(string Name, string Arguments, string Result)
{
    /// <summary>Whether it was refused on purpose.</summary>
    public bool IsInjected => Result.Contains("(INJECTED)", StringComparison.Ordinal);

    public bool IsGood => !Result.StartsWith('-');

    /// <summary>Whether it is about a segment of the log.</summary>
    public bool IsOfSegment => Arguments.Contains(".seg", StringComparison.Ordinal);

    public override string ToString() => $"{Name}({Arguments}) = {Result}";
}

/// <summary>The calls of a process with all its threads, in the order in which they ended.</summary>
internal static partial class CallTrace
{
    private const string Cut = "<unfinished ...>";

    public static List<TracedCall> Read(string file)
    {
        List<TracedCall> calls = [];
        Dictionary<string, string> begun = [];
        foreach (var line in File.ReadLines(file))
        {
            var at = line.IndexOf(' ', StringComparison.Ordinal);
            var (thread, text) = at < 0 ? ("", line) : (line[..at], line[at..].TrimStart());
            if (text.EndsWith(Cut, StringComparison.Ordinal))
            {
                begun[thread] = text[..^Cut.Length];
            }
            else if (Resumed().Match(text) is { Success: true } resumed && begun.Remove(thread, out var beginning))
            {
                Add(beginning + text[resumed.Length..]);
            }
            else
            {
                Add(text);
            }
        }

        return calls;

        void Add(string text)
        {
            if (Whole().Match(text) is { Success: true } whole)
            {
                calls.Add(new TracedCall(whole.Groups[1].Value, whole.Groups[2].Value, whole.Groups[3].Value));
            }
        }
    }

    /// <summary>
    /// What acknowledgements of a process that takes one step after another were worth: each event needs a good flush of the log since the
    /// acknowledgement before it, and behind a refused flush of the log there is none until the log has been opened anew.
    /// </summary>
    public static IReadOnlyList<string> Findings(IReadOnlyList<TracedCall> calls)
    {
        List<string> findings = [];
        var isFlushed = false;
        TracedCall? refusal = null;
        foreach (var call in calls)
        {
            switch (call.Name)
            {
                case "fdatasync" when call.IsOfSegment:
                    isFlushed |= call.IsGood;
                    refusal = call.IsGood ? refusal : call;
                    break;
                case "openat" when call.IsOfSegment && call.IsGood:
                    refusal = null;
                    break;
                case "write" when call.Arguments.Contains($"\"{AckLine.Stored} ", StringComparison.Ordinal):
                    if (!isFlushed)
                    {
                        findings.Add($"acknowledged without a flush: {call}");
                    }

                    if (refusal is { } refused)
                    {
                        findings.Add($"acknowledged behind {refused}: {call}");
                    }

                    isFlushed = false;
                    break;
            }
        }

        return findings;
    }

    [GeneratedRegex(@"^<\.\.\. \w+ resumed>")]
    private static partial Regex Resumed();

    [GeneratedRegex(@"^(\w+)\((.*)\)\s+= (.*)$")]
    private static partial Regex Whole();
}
