using Streams.Core;

namespace Streams.Client;

/// <summary>What a reader decided. One object is used again and again: the shell empties it.</summary>
internal sealed class ReaderOutput
{
    /// <summary>What the application may have, in order.</summary>
    public List<GivenEvents> Given { get; } = [];

    /// <summary>Lanes to ask for again from these offsets on (R19f).</summary>
    public List<EventPlace> Resumes { get; } = [];

    /// <summary>Events newly held back.</summary>
    public int HeldBack { get; set; }

    /// <summary>Events released because what they awaited cannot come any more (R15).</summary>
    public int ReleasedByClosure { get; set; }

    /// <summary>Events released because patience ran out.</summary>
    public int ReleasedByPatience { get; set; }

    /// <summary>Copies caught of what was given before (R17).</summary>
    public int TwinsCaught { get; set; }

    /// <summary>Lanes stopped for want of room (R19f).</summary>
    public int LanesStopped { get; set; }

    /// <summary>Events that retention had taken.</summary>
    public long GapEvents { get; set; }

    /// <summary>Empties it.</summary>
    public void Clear()
    {
        Given.Clear();
        Resumes.Clear();
        HeldBack = ReleasedByClosure = ReleasedByPatience = TwinsCaught = LanesStopped = 0;
        GapEvents = 0;
    }
}

/// <summary>The bounds of one reader.</summary>
/// <param name="HoldBackEvents">Most events held back.</param>
/// <param name="HoldBackBytes">Most bytes held back; the last event may overshoot.</param>
internal readonly record struct ReaderLimits(int HoldBackEvents, long HoldBackBytes);
