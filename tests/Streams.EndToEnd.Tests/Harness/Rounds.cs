using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>How often a test repeats itself, and with which chance.</summary>
internal static class Rounds
{
    /// <summary>The rounds asked for by the environment, else the number of an ordinary run.</summary>
    public static int Or(int ordinary) => Seeds.Rounds(ordinary);

    /// <summary>Plays a story under a seed; when it fails, the seed is the first thing said.</summary>
    public static async Task PlayAsync(Func<SeededRandom, Task> story)
    {
        var chance = Seeds.Next();
        try
        {
            await story(chance);
        }
        catch (Exception fault)
        {
            throw new StoryFailedException($"{chance}: {fault.Message}", fault);
        }
    }
}

/// <summary>A test that draws on chance failed; the message begins with the seed that plays it again.</summary>
public sealed class StoryFailedException(string message, Exception inner) : Exception(message, inner);
