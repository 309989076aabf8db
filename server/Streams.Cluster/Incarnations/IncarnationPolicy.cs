namespace Streams.Cluster;

/// <summary>When a cluster of one node opens a new incarnation at a start.</summary>
public enum IncarnationPolicy
{
    /// <summary>A plain restart, clean or after a crash, continues; a new one is opened when the guards show that data was lost, copied
    /// or rolled back. The default.</summary>
    Guarded,

    /// <summary>A new one at every start (rule R14 in its strict form): for machines that are rolled back together with everything the
    /// guards look at.</summary>
    Always,
}
