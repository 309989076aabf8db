namespace Streams.Gateways;

/// <summary>What is left of a message's expiry interval: its seconds run from the event's time by the clock of the cluster that gives
/// it.</summary>
/// <remarks>Where that clock stands before the event's time nothing has passed yet: a message never gets longer to live than its
/// publisher said.</remarks>
internal static class MessageExpiry
{
    private const long MicrosecondsPerSecond = 1_000_000;

    /// <summary>Whether the message may still be given; <paramref name="left"/> is the interval that it is given with, at least 1, or
    /// <see langword="null"/> for a message that never expires.</summary>
    /// <param name="seconds">As published; <see langword="null"/> for never.</param>
    /// <param name="timestampMicroseconds">The event's time, since 1970.</param>
    /// <param name="nowMicroseconds">The time now, since 1970.</param>
    /// <param name="left">Whole seconds; what was begun of one counts as left.</param>
    public static bool TryGetLeft(uint? seconds, long timestampMicroseconds, long nowMicroseconds, out uint? left)
    {
        left = seconds;
        if (seconds is not { } interval)
        {
            return true;
        }

        // The producer's clock may say anything: no difference of two times overflows 128 bits.
        Int128 passed = Int128.Max(0, (Int128)nowMicroseconds - timestampMicroseconds);
        if (passed >= (Int128)interval * MicrosecondsPerSecond)
        {
            return false;
        }

        left = interval - (uint)(passed / MicrosecondsPerSecond);
        return true;
    }
}
