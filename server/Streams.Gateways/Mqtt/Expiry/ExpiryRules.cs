namespace Streams.Gateways;

/// <summary>When sessions are over: decisions without I/O (docs/mqtt.md, decision 0022).</summary>
internal static class ExpiryRules
{
    /// <summary>How often a cluster with kept sessions leaves a sign that it lives.</summary>
    public static readonly TimeSpan SignPeriod = TimeSpan.FromMinutes(1);

    // The sign is written a little late, and the clock is looked at before.
    private static readonly TimeSpan SignSlack = TimeSpan.FromSeconds(5);

    /// <summary>When a connection ended that was open when its server was killed: by the last sign of its life, and never too
    /// early.</summary>
    /// <param name="signAt">When the server last said that it lives, in milliseconds since 1970; <see langword="null"/> when it never
    /// did.</param>
    /// <param name="writtenAt">When the session's register was written last.</param>
    /// <param name="startedAt">When this process began: a session that was written behind that was its own, and has just ended.</param>
    /// <param name="now">Milliseconds since 1970.</param>
    public static long GoneAt(long? signAt, long writtenAt, long startedAt, long now)
    {
        if (writtenAt >= startedAt)
        {
            return now;
        }

        long sign = Math.Max(signAt ?? now, writtenAt);
        return Math.Min(now, sign + (long)(SignPeriod + SignSlack).TotalMilliseconds);
    }

    /// <summary>How long a session still lives; <see langword="null"/> for ever. A clock that was set back makes it live its time once
    /// more, not longer.</summary>
    public static TimeSpan? Left(uint expirySeconds, long goneAt, long now)
    {
        if (expirySeconds == SessionRecord.NeverExpires)
        {
            return null;
        }

        long whole = expirySeconds * 1000L;
        return TimeSpan.FromMilliseconds(whole - Math.Clamp(now - goneAt, 0, whole));
    }
}
