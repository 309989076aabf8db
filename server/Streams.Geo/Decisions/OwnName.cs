using System.Buffers;
using Streams.Core;

namespace Streams.Geo;

/// <summary>When what a neighbour shows makes this cluster open a new incarnation (rules R14, R15).</summary>
internal static class OwnName
{
    /// <summary>Why a new incarnation must be opened, or <see langword="null"/>. <paramref name="held"/> is what the neighbour holds of a
    /// lane of this name.</summary>
    public static string? ReasonToOpen(ILaneHeads store, Origin self, Origin peer, in LaneHead held)
    {
        if (held.Lane.Origin.Cluster != self.Cluster)
        {
            return null;
        }

        if (held.Lane.Origin.Incarnation > self.Incarnation)
        {
            return $"{peer} holds {held.Lane}, of a later incarnation than {self}";
        }

        long mine = Next(store, held.Lane).Value;
        return held.Lane.Origin == self && held.Next.Value > mine
            ? $"{peer} holds {held.Next} entries of {held.Lane}, {mine} are here: the data here was rolled back"
            : null;
    }

    /// <summary>Why a later incarnation known by the store asks for a new one, or <see langword="null"/>.</summary>
    public static string? ReasonToOpen(ILaneHeads store, Origin self) =>
        store.Origin == self && store.LatestIncarnation(self.Cluster) is { } latest && latest > self.Incarnation
            ? $"incarnation {latest} of {self.Cluster} is known, later than {self.Incarnation}"
            : null;

    /// <summary>The next entry of a lane here.</summary>
    public static EntryNumber Next(ILaneHeads store, LaneId lane) => store.Lane(lane)?.NextEntry ?? EntryNumber.Zero;

    /// <summary>The state that tells of an incarnation.</summary>
    public static StateItem Opened(Origin origin)
    {
        ArrayBufferWriter<byte> body = new(64);
        ByteWriter writer = new(body);
        writer.Origin(origin);
        return new StateItem(StateKind.Opened, default, body.WrittenMemory);
    }
}
