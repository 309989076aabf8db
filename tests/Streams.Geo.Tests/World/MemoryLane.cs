using Streams.Core;

namespace Streams.Geo.Tests;

internal sealed class MemoryLane(LaneId id)
{
    public List<LaneEntry> Entries { get; } = [];

    public long First { get; set; }

    public long FirstOffset { get; set; }

    public long Durable { get; set; }

    public long Head => First + Entries.Count;

    public long NextOffset => Entries.Count > 0 ? Entries[^1].NextOffset.Value : FirstOffset;

    public LaneEntry this[long number] => Entries[(int)(number - First)];

    public LaneStatus Status =>
        new(id, new(First), new(Durable), new(FirstOffset), new(Durable == First ? FirstOffset : this[Durable - 1].NextOffset.Value), 0);

    public void Trim(long first)
    {
        var count = (int)(Math.Min(first, Durable) - First);
        if (count > 0)
        {
            FirstOffset = Entries[count - 1].NextOffset.Value;
            Entries.RemoveRange(0, count);
            First += count;
        }
    }
}
