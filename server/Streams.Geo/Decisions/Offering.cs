using Streams.Core;

namespace Streams.Geo;

/// <summary>Whether an entry is offered to a receiver.</summary>
/// <param name="path">The incarnations it has passed.</param>
/// <param name="receiver">Who would get it.</param>
/// <param name="asked">Whether the receiver asked for it: it was held at link start, or lies before an entry that came ahead.</param>
internal delegate bool OfferRule(ReplicationPath path, Origin receiver, bool asked);

/// <summary>The rule that keeps events from going round in circles (invariant 5).</summary>
internal static class Offering
{
    /// <summary>Rules R12 and R13: what has passed this incarnation of the receiver is not offered, but what it asks for it gets.</summary>
    public static bool IsOffered(ReplicationPath path, Origin receiver, bool asked) => asked || !path.Contains(receiver);
}
