namespace Streams.Core;

/// <summary>A moment of a hybrid logical clock: 48 bits of milliseconds, 16 bits of counter, and the cluster that breaks ties.</summary>
/// <remarks>Settings and facts are last-writer-wins by it (invariant 4): after hearing of a later moment, a clock never gives an earlier
/// one.</remarks>
public readonly record struct HybridTimestamp(ulong Value, ClusterName Cluster) : IComparable<HybridTimestamp>
{
    /// <summary>The milliseconds since 1970.</summary>
    public long UnixMilliseconds => (long)(Value >> 16);

    /// <summary>The moment right behind this one, as a cluster gives it: before all that was or will be written by whoever knew of this
    /// one and has a clock that goes.</summary>
    public HybridTimestamp Successor(ClusterName cluster) => new(Value + 1, cluster);

    /// <inheritdoc/>
    public int CompareTo(HybridTimestamp other) => Value != other.Value ? Value.CompareTo(other.Value) : Cluster.CompareTo(other.Cluster);
}

/// <summary>Gives <see cref="HybridTimestamp"/>s that only rise, whatever the wall clock does. Safe for use by many threads.</summary>
public sealed class HybridClock(TimeProvider time, ClusterName cluster)
{
    private readonly Lock _lock = new();
    private ulong _last;

    /// <summary>A moment later than all given or observed before.</summary>
    public HybridTimestamp Next()
    {
        ulong now = (ulong)time.GetUtcNow().ToUnixTimeMilliseconds() << 16;
        lock (_lock)
        {
            _last = now > _last ? now : _last + 1;
            return new HybridTimestamp(_last, cluster);
        }
    }

    /// <summary>Takes note of a moment seen elsewhere.</summary>
    public void Observe(HybridTimestamp seen)
    {
        lock (_lock)
        {
            _last = Math.Max(_last, seen.Value);
        }
    }
}
