namespace Streams.Core;

/// <summary>Who writes a lane: a cluster in one of its incarnations. Text form <c>sj.0192f3ab4c5d6e7f</c>.</summary>
public readonly record struct Origin(ClusterName Cluster, Incarnation Incarnation) : IComparable<Origin>
{
    /// <summary>Whether a known later incarnation of the same cluster has closed this one (rule R15).</summary>
    public bool IsClosedBy(Origin later) => later.Cluster == Cluster && later.Incarnation > Incarnation;

    /// <summary>Reads the text form.</summary>
    /// <exception cref="InvalidNameException">The text is no origin.</exception>
    public static Origin Parse(string? text) => TryParse(text, out Origin origin)
        ? origin
        : throw new InvalidNameException(
            $"origin '{text}': must be a cluster name, a dot and 16 hexadecimal digits, as in sj.0192f3ab4c5d6e7f");

    /// <summary>Reads the text form without throwing.</summary>
    public static bool TryParse(string? text, out Origin origin)
    {
        origin = default;
        int dot = text?.LastIndexOf('.') ?? -1;
        if (dot < 0 || !ClusterName.TryParse(text![..dot], out ClusterName cluster, out _)
            || !Incarnation.TryParse(text.AsSpan(dot + 1), out Incarnation incarnation))
        {
            return false;
        }

        origin = new Origin(cluster, incarnation);
        return true;
    }

    /// <summary>By cluster name, then by incarnation.</summary>
    public int CompareTo(Origin other)
    {
        int byName = Cluster.CompareTo(other.Cluster);
        return byName != 0 ? byName : Incarnation.CompareTo(other.Incarnation);
    }

    /// <summary>The text form.</summary>
    public override string ToString() => $"{Cluster}.{Incarnation}";
}
