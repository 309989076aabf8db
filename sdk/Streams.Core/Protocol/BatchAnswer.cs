namespace Streams.Core;

/// <summary>What became of one batch of a bundle.</summary>
/// <param name="Reason">As a PUBACK would say it of this batch alone: below 0x80 it was taken, and flushed.</param>
/// <param name="Text">For people; empty when it was taken.</param>
/// <param name="Placed">Where its sequences stand when it was taken.</param>
public readonly record struct BatchAnswer(byte Reason, string Text, IReadOnlyList<PlacedRun> Placed)
{
    /// <summary>Whether it was taken.</summary>
    public bool IsTaken => Reason < 0x80;
}
