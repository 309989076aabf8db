namespace Streams.Cluster;

/// <summary>Who keeps a container: what the catalog says of it. Each change is one compare-and-swap, and makes a new epoch.</summary>
/// <param name="Epoch">Counts the changes, from 1.</param>
/// <param name="Primary">Who numbers records; one of <paramref name="InSync"/>.</param>
/// <param name="Replicas">Who is to keep it, the primary among them.</param>
/// <param name="InSync">Those of them that have every record which was ever acknowledged.</param>
/// <param name="Life">Random id of the process that made this epoch, or 0: a primary leads only in an epoch that its own process made, for
/// only then does it know all that it has sent in it.</param>
/// <param name="Former">A primary that was replaced while its lease held, or <see langword="null"/>: until it is known to have promised a
/// later epoch, or its lease is over, it may still serve, and the new one may not.</param>
public sealed record ContainerConfig(long Epoch, NodeName Primary, IReadOnlyList<NodeName> Replicas, IReadOnlyList<NodeName> InSync,
    long Life = 0, NodeName? Former = null)
{
    /// <summary>The first one of a container: its primary alone has the (empty) log.</summary>
    public static ContainerConfig First(NodeName primary, IReadOnlyList<NodeName> replicas) => new(1, primary, replicas, [primary]);

    /// <summary>One in sync takes over from a primary that is gone. That one stays in sync only where too few would be left without it:
    /// then nothing is committed until it comes back or another one has joined.</summary>
    public ContainerConfig TakenOverBy(NodeName node, int minInSync) => node != Primary && InSync.Contains(node)
        ? this with
        {
            Epoch = Epoch + 1,
            Primary = node,
            InSync = InSync.Count > minInSync ? [.. InSync.Where(n => n != Primary)] : InSync,
        }
        : throw new ArgumentException($"{node} cannot take epoch {Epoch} over: it must be in sync and not the primary");

    /// <summary>The primary begins a new epoch: after a restart it does not know what it sent last in the old one.</summary>
    public ContainerConfig RenewedBy(NodeName node) => node == Primary
        ? this with { Epoch = Epoch + 1 } : throw new ArgumentException($"{node} is not the primary of epoch {Epoch}");

    /// <summary>The primary goes on without one that is slow or gone.</summary>
    public ContainerConfig Without(NodeName node) => node != Primary && InSync.Contains(node)
        ? this with { Epoch = Epoch + 1, InSync = [.. InSync.Where(n => n != node)] }
        : throw new ArgumentException($"{node} cannot be dropped from epoch {Epoch}: it must be in sync and not the primary");

    /// <summary>One that has caught up is in sync from now on.</summary>
    public ContainerConfig With(NodeName node) => Replicas.Contains(node) && !InSync.Contains(node)
        ? this with { Epoch = Epoch + 1, InSync = [.. InSync, node] }
        : throw new ArgumentException($"{node} cannot join epoch {Epoch}: it must be a replica that is not in sync");

    /// <summary>Other nodes are to keep it; who is not among them is not in sync any more. Not the primary: it is moved first.</summary>
    public ContainerConfig AssignedTo(IReadOnlyList<NodeName> replicas) => replicas.Contains(Primary)
        ? this with { Epoch = Epoch + 1, Replicas = replicas, InSync = [.. InSync.Where(replicas.Contains)] }
        : throw new ArgumentException($"the primary {Primary} of epoch {Epoch} must stay among the replicas");

    /// <summary>One in sync becomes the primary in place of one that stays in sync.</summary>
    public ContainerConfig MovedTo(NodeName node) => node != Primary && InSync.Contains(node)
        ? this with { Epoch = Epoch + 1, Primary = node, Life = 0, Former = Former ?? Primary }
        : throw new ArgumentException($"{node} cannot become the primary of epoch {Epoch}: it must be in sync and not be it already");
}
