namespace Streams.Core;

/// <summary>A cluster that a hint names, and its share of the devices.</summary>
/// <param name="Cluster">The cluster.</param>
/// <param name="Weight">Its share, against the sum of all weights; 1 to <see cref="SpreadHint.MaxWeight"/>.</param>
public readonly record struct WeightedCluster(ClusterName Cluster, int Weight);

/// <summary>What a cluster tells its SDK clients to do when they lose it all at once: over how long to spread, and where to go (decision
/// 0009). Advice: a client that never got one, or cannot follow it, does as it did before there were hints.</summary>
/// <param name="Window">Each client waits a random part of it before it goes elsewhere; nothing when they are so few that the others take
/// them at once. Whole milliseconds.</param>
/// <param name="Elsewhere">Where to go; a client that knows none of these goes by its own list. May be empty.</param>
public sealed record SpreadHint(TimeSpan Window, IReadOnlyList<WeightedCluster> Elsewhere)
{
    /// <summary>The version written. Later versions only add at the end, so every reader reads the part that it knows.</summary>
    public const byte Version = 1;

    /// <summary>Most clusters of one hint: a client's list is no longer.</summary>
    public const int MaxClusters = 64;

    /// <summary>Greatest weight.</summary>
    public const int MaxWeight = 10_000;

    /// <summary>Longest window: who waits longer is better served by coming too early.</summary>
    public static readonly TimeSpan MaxWindow = TimeSpan.FromMinutes(10);

    /// <summary>Writes the hint.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.Byte(Version);
        writer.Varint((ulong)Window.TotalMilliseconds);
        writer.Varint((ulong)Elsewhere.Count);
        foreach (WeightedCluster place in Elsewhere)
        {
            writer.Text(place.Cluster.Value);
            writer.Varint((ulong)place.Weight);
        }
    }

    /// <summary>Reads a hint; <see langword="null"/> when it is malformed. What a later version has added is passed over.</summary>
    public static SpreadHint? Read(ReadOnlyMemory<byte> payload)
    {
        ByteReader reader = new(payload);
        byte version = reader.Byte();
        TimeSpan window = TimeSpan.FromMilliseconds(reader.Varint((long)MaxWindow.TotalMilliseconds));
        int count = (int)reader.Varint(MaxClusters);
        List<WeightedCluster> elsewhere = [];
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            WeightedCluster place = new(reader.Cluster(), (int)reader.Varint(MaxWeight));
            if (place.Weight == 0)
            {
                reader.Fail();
            }

            elsewhere.Add(place);
        }

        bool isWhole = version == Version ? reader.AtEnd : version > Version && !reader.Failed;
        return isWhole ? new SpreadHint(window, elsewhere) : null;
    }
}
