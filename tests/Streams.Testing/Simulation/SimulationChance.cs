namespace Streams.Testing;

/// <summary>Chance that can be set to a place: each step of a simulation draws from its own stretch of it, so a step can be left out and
/// the others do what they did before. That is what makes a failing run short.</summary>
/// <remarks>SplitMix64 (Steele, Lea, Flood 2014): one addition and three multiplications a number, no state but a counter.</remarks>
public sealed class SimulationChance : Random
{
    private ulong _state;

    /// <summary>Begins the stretch of one step of one seed.</summary>
    public void MoveTo(long seed, long step)
    {
        _state = Mix((ulong)seed * 0x9E3779B97F4A7C15UL) ^ Mix(((ulong)step + 1) * 0xD1B54A32D192ED03UL);
        _state = Mix(_state);
    }

    public override int Next() => (int)(Draw() >> 33);

    public override int Next(int maxValue) => maxValue <= 1 ? 0 : (int)(((Draw() >> 32) * (ulong)maxValue) >> 32);

    public override int Next(int minValue, int maxValue) => minValue + Next(maxValue - minValue);

    public override long NextInt64() => (long)(Draw() >> 1);

    public override long NextInt64(long minValue, long maxValue) =>
        minValue + (long)(Draw() % (ulong)Math.Max(1, unchecked(maxValue - minValue)));

    public override void NextBytes(byte[] buffer) => NextBytes(buffer.AsSpan());

    public override void NextBytes(Span<byte> buffer)
    {
        for (int i = 0; i < buffer.Length; i++)
        {
            buffer[i] = (byte)(Draw() >> 56);
        }
    }

    public override double NextDouble() => Sample();

    protected override double Sample() => (Draw() >> 11) * (1.0 / (1UL << 53));

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }

    private ulong Draw()
    {
        _state += 0x9E3779B97F4A7C15UL;
        return Mix(_state);
    }
}
