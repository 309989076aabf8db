namespace Streams.Client;

/// <summary>Why events never left the outbox of their device.</summary>
public enum GapReason
{
    /// <summary>The outbox was full.</summary>
    Full,

    /// <summary>They had waited for longer than their time to live.</summary>
    Expired,

    /// <summary>A newer event of the same key took their place.</summary>
    Superseded,

    /// <summary>The file they waited in was damaged. Topics of such gaps are <see cref="EventGap.ManyTopics"/>, and their times may be
    /// those when it was found: what they were is not known for sure.</summary>
    Damaged,
}

/// <summary>Events that a device dropped before it sent them, under a policy declared there, or lost to damage on its disk. The event
/// that tells stands where the first of them would have stood; with damage, behind what waited when it was found.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Events">How many.</param>
/// <param name="First">The earliest time among them, by the producer's clock.</param>
/// <param name="Last">The latest.</param>
public sealed record EventGap(GapReason Reason, long Events, DateTimeOffset First, DateTimeOffset Last)
{
    /// <summary>Topic of gaps of many topics: kept when a device has no room to keep one for each, and of those that damage left.</summary>
    public const string ManyTopics = "$gaps";
}
