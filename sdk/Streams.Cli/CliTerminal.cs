using System.Text;

namespace Streams.Cli;

/// <summary>Where a command reads from and writes to.</summary>
/// <param name="In">Standard input.</param>
/// <param name="Out">Standard output: what was asked for, and nothing else.</param>
/// <param name="Error">Standard error: what went wrong, and progress.</param>
/// <param name="ShowsProgress">Whether standard error is a terminal.</param>
/// <param name="ShowsOutput">Whether standard output is a terminal.</param>
internal sealed record CliTerminal(Stream In, Stream Out, TextWriter Error, bool ShowsProgress, bool ShowsOutput = false)
{
    private static readonly byte[] NewLine = "\n"u8.ToArray();

    /// <summary>Those of this process.</summary>
    public static CliTerminal OfProcess() => new(Console.OpenStandardInput(), new BufferedStream(Console.OpenStandardOutput(), 1 << 16),
        Console.Error, !Console.IsErrorRedirected, !Console.IsOutputRedirected);

    /// <summary>Writes a line.</summary>
    public void Line(string text) => Line(Encoding.UTF8.GetBytes(text));

    /// <summary>Writes bytes and the end of a line.</summary>
    public void Line(ReadOnlySpan<byte> text)
    {
        Out.Write(text);
        Out.Write(NewLine);
    }
}
