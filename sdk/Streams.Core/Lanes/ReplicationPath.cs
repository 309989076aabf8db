namespace Streams.Core;

/// <summary>The clusters an entry has passed, in order, beginning with its origin. It names incarnations (rule R12):
/// by name alone a wiped cluster would be locked out of its own history.</summary>
public sealed class ReplicationPath
{
    /// <summary>Longest path: the diameter of the world of clusters may not be greater.</summary>
    public const int MaxHops = 512;

    private readonly Origin[] _hops;

    private ReplicationPath(Origin[] hops) => _hops = hops;

    /// <summary>The clusters passed, in order.</summary>
    public ReadOnlySpan<Origin> Hops => _hops;

    /// <summary>The path of an entry that its origin has just written.</summary>
    public static ReplicationPath StartingAt(Origin origin) => new([origin]);

    /// <summary>Whether an entry with this path has passed <paramref name="cluster"/>; then it is never offered there (invariant
    /// 5).</summary>
    public bool Contains(Origin cluster) => Array.IndexOf(_hops, cluster) >= 0;

    /// <summary>The path one hop longer; unchanged when the hop stands in it already (a cluster that is given back its own lane).</summary>
    /// <exception cref="InvalidRequestException">The path would be longer than <see cref="MaxHops"/>.</exception>
    public ReplicationPath Append(Origin cluster)
    {
        if (Contains(cluster))
        {
            return this;
        }

        return _hops.Length < MaxHops ? new ReplicationPath([.. _hops, cluster])
            : throw new InvalidRequestException($"replication path: more than {MaxHops} clusters");
    }

    /// <summary>Writes the path.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.Varint((ulong)_hops.Length);
        foreach (Origin hop in _hops)
        {
            writer.Origin(hop);
        }
    }

    /// <summary>Reads a path; the reader is failed when it is none.</summary>
    public static ReplicationPath Read(ref ByteReader reader)
    {
        int count = (int)reader.Varint(MaxHops);
        if (reader.Failed || count == 0)
        {
            reader.Fail();
            return new ReplicationPath([default]);
        }

        Origin[] hops = new Origin[count];
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            hops[i] = reader.Origin();
        }

        return new ReplicationPath(hops);
    }

    /// <summary>Text form <c>sj.…→ny.…</c>.</summary>
    public override string ToString() => string.Join('→', _hops);
}
