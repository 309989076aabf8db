using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Streams.Cli;

/// <summary>What all verbs have in common.</summary>
internal sealed class CliContext(CliTerminal terminal, TimeProvider time, Random chance)
{
    /// <summary>Where to read from and write to.</summary>
    public CliTerminal Terminal => terminal;

    /// <summary>Time.</summary>
    public TimeProvider Time => time;

    /// <summary>Chance.</summary>
    public Random Chance => chance;

    /// <summary>Whether the output is to be JSON.</summary>
    public Option<bool> Json { get; } = new("--json") { Description = "Write JSON for programs", Recursive = true };

    /// <summary>Writes an answer, as JSON on one line or as text.</summary>
    public void Answer<T>(ParseResult parsed, T answer, JsonTypeInfo<T> type, Action<T> asText)
    {
        if (parsed.GetValue(Json))
        {
            Line(JsonSerializer.SerializeToUtf8Bytes(answer, type));
        }
        else
        {
            asText(answer);
        }
    }

    /// <summary>Writes a line.</summary>
    /// <exception cref="BrokenOutputException">Nobody reads any more.</exception>
    public void Line(string text) => Line(System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>Writes a line.</summary>
    /// <exception cref="BrokenOutputException">Nobody reads any more.</exception>
    public void Line(ReadOnlySpan<byte> text)
    {
        try
        {
            terminal.Line(text);
        }
        catch (IOException e)
        {
            throw new BrokenOutputException(e);
        }
    }

    /// <summary>Hands on what is written so far.</summary>
    /// <exception cref="BrokenOutputException">Nobody reads any more.</exception>
    public void Flush()
    {
        try
        {
            terminal.Out.Flush();
        }
        catch (IOException e)
        {
            throw new BrokenOutputException(e);
        }
    }
}

/// <summary>Whoever reads the output has gone.</summary>
internal sealed class BrokenOutputException(Exception cause) : Exception("nobody reads the output", cause);
