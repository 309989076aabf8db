using Streams.Core;

namespace Streams.EndToEnd.Tests;

/// <summary>A lane as the HTTP API tells it: events from first to before next, entries likewise.</summary>
internal sealed record LaneState(int Partition, string Origin, long FirstOffset, long NextOffset, long FirstEntry, long NextEntry)
{
    public string Cluster => Core.Origin.Parse(Origin).Cluster.Value;
}

/// <summary>Answer of <c>/api/v1/lanes</c>.</summary>
internal sealed record LaneList(IReadOnlyList<LaneState> Lanes);

/// <summary>An event as it stands in a lane.</summary>
internal sealed record LaneEvent(long Offset, string Producer, string Epoch, long Sequence, string Topic, byte[] Payload)
{
    public string Text => System.Text.Encoding.UTF8.GetString(Payload);

    /// <summary>The same for all copies of one event in a partition.</summary>
    public string Identity => $"{Producer}/{Epoch}:{Sequence}";
}

/// <summary>Answer of <c>/api/v1/lanes/read</c>.</summary>
internal sealed record LanePage(IReadOnlyList<LaneEvent> Events, long Next);

/// <summary>Where an event stands, and what it says.</summary>
internal sealed record PlacedEvent(int Partition, string Origin, LaneEvent Event)
{
    public override string ToString() => $"{Partition} {Origin}:{Event.Offset} {Event.Topic} {Event.Identity} {Event.Text}";
}

/// <summary>Where a consumer is in one partition.</summary>
internal sealed record CursorState(int Partition, long Generation, IReadOnlyList<CursorPosition> Positions);

/// <summary>Where a consumer is in one lane.</summary>
internal sealed record CursorPosition(string Origin, long Offset);

/// <summary>Answer of <c>/api/v1/cursors</c>.</summary>
internal sealed record CursorList(IReadOnlyList<CursorState> Cursors);
