using System.Globalization;
using System.Security.Cryptography;

namespace Streams.Testing;

/// <summary>Hands out chance that can be played again: each generator says its seed, and STREAMS_SEED replaces all of them.</summary>
public static class Seeds
{
    public const string Variable = "STREAMS_SEED";

    public const string RoundsVariable = "STREAMS_ROUNDS";

    /// <summary>The rounds asked for by the environment, else the number of an ordinary run.</summary>
    public static int Rounds(int ordinary) => Environment.GetEnvironmentVariable(RoundsVariable) is { Length: > 0 } text
        ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture)
        : ordinary;

    /// <summary>A generator with the seed of the environment, else a fresh one; the seed is printed.</summary>
    /// <exception cref="FormatException">STREAMS_SEED is set and is no 32-bit integer.</exception>
    public static SeededRandom Next() => Next(Environment.GetEnvironmentVariable(Variable));

    internal static SeededRandom Next(string? fromEnvironment)
    {
        var seed = RandomNumberGenerator.GetInt32(int.MaxValue);
        if (!string.IsNullOrWhiteSpace(fromEnvironment)
            && !int.TryParse(fromEnvironment, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out seed))
        {
            throw new FormatException($"{Variable} must be an integer, not '{fromEnvironment}'.");
        }

        var random = new SeededRandom(seed);
        Console.WriteLine(random);
        return random;
    }
}

/// <summary>A generator that knows its seed, for failure messages: put it into the text, or use it with an assertion's message.</summary>
public sealed class SeededRandom : Random
{
    public SeededRandom(int seed)
        : base(seed)
    {
        Seed = seed;
    }

    public int Seed { get; }

    public override string ToString() => $"{Seeds.Variable}={Seed}";
}
