namespace Streams.Faults;

/// <summary>What a reader was given: an event, or the telling of a gap.</summary>
/// <param name="Topic">What the promise of order is about: its topic, or its key where it has one.</param>
/// <param name="Number">Its number; 0 for a gap.</param>
/// <param name="GapEvents">How many events a gap tells of; 0 for an event.</param>
/// <param name="OrderReleased">Whether it was given although an earlier one was missing.</param>
internal readonly record struct SeenEvent(string Topic, int Number, long GapEvents = 0, bool OrderReleased = false)
{
    public bool IsGap => GapEvents > 0;
}
