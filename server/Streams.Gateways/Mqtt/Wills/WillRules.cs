using Streams.Core;

namespace Streams.Gateways;

/// <summary>What becomes of a will.</summary>
internal enum WillFate
{
    /// <summary>It is published, then it is gone.</summary>
    Publish,

    /// <summary>It is gone and never published.</summary>
    Discard,
}

/// <summary>When a will is published and when it is not: decisions without I/O (docs/mqtt.md, decision 0022).</summary>
internal static class WillRules
{
    /// <summary>A new connection of the client comes and finds the will of an earlier one.</summary>
    /// <param name="will">The earlier one's will.</param>
    /// <param name="isOurs">Whether that connection was one of this cluster: then it has ended, with this process's knowledge or with an
    /// earlier process.</param>
    /// <param name="goesOn">Whether the new connection goes on with the session.</param>
    /// <param name="now">Milliseconds since 1970.</param>
    /// <remarks>A connection at another cluster that is not known to have ended may have said goodbye there a moment ago: nothing is
    /// published for it. One that is known to have ended without a word never can.</remarks>
    public static WillFate OnConnect(WillRecord will, bool isOurs, bool goesOn, long now)
    {
        if (will.GoneAt == 0 && !isOurs)
        {
            return WillFate.Discard;
        }

        TimeSpan since = will.GoneAt == 0 ? TimeSpan.Zero : TimeSpan.FromMilliseconds(Math.Max(0, now - will.GoneAt));
        return goesOn && since < will.Delay ? WillFate.Discard : WillFate.Publish;
    }

    /// <summary>The connection has ended, or the delay is over.</summary>
    /// <param name="will">The will.</param>
    /// <param name="sessionOwner">Which connection has the session, as far as is known here; <see langword="null"/> when none is
    /// kept.</param>
    public static WillFate OnDue(WillRecord will, string? sessionOwner) =>
        sessionOwner is null || sessionOwner == will.Owner ? WillFate.Publish : WillFate.Discard;

    /// <summary>How much of its delay is left to a will that was found when the server was started. That of a connection that was open
    /// when the server was killed begins its delay now, for its client could not come back any earlier.</summary>
    /// <param name="will">The will.</param>
    /// <param name="now">Milliseconds since 1970. A clock that was set back makes it wait its delay once more, not longer.</param>
    /// <param name="least">How long it waits at least: until what happened elsewhere can be known.</param>
    public static TimeSpan Left(WillRecord will, long now, TimeSpan least)
    {
        TimeSpan left = will.GoneAt == 0 ? will.Delay
            : will.Delay - TimeSpan.FromMilliseconds(Math.Clamp(now - will.GoneAt, 0, (long)will.Delay.TotalMilliseconds));
        return left > least ? left : least;
    }

    /// <summary>Whether an owner, as records say it, is a connection at this cluster, in whatever incarnation.</summary>
    public static bool IsAt(string owner, ClusterName cluster) =>
        owner.Length > cluster.Value.Length && owner[cluster.Value.Length] == '.'   // names have no dots, incarnations stand behind one
        && owner.StartsWith(cluster.Value, StringComparison.Ordinal);
}
