using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>What happens to new events when the store has as many bytes as it may have, and nothing may go.</summary>
internal enum WhenStoreFull
{
    /// <summary>They are refused until there is room: devices keep them and try again. The default: nothing is lost here.</summary>
    Refuse,

    /// <summary>The oldest events make room, sent up or not. Counted and logged.</summary>
    DropOldest,
}

/// <summary>How the agent keeps what it holds on disk.</summary>
/// <param name="Path">The SQLite file. Its folder is made when it is missing; beside it stand its journal and a lock file.</param>
/// <param name="Cluster">The agent's name, unique in the world it joins: its lanes are under it.</param>
internal sealed record LocalStoreOptions(string Path, ClusterName Cluster)
{
    /// <summary>The least <see cref="MaxBytes"/>: tables, a journal and one event of the greatest size.</summary>
    public const long LeastBytes = 16L << 20;

    /// <summary>Most bytes on disk, database and journal together; 1 GiB by default, at least <see cref="LeastBytes"/>. Events that a
    /// cluster has go first when there is no more room.</summary>
    public long MaxBytes { get; init; } = 1L << 30;

    /// <summary>What happens when nothing may go.</summary>
    public WhenStoreFull WhenFull { get; init; } = WhenStoreFull.Refuse;

    /// <summary>Most bytes of operations that wait for the writer; more make their callers wait. 8 MiB by default: a second of what a
    /// small machine's disk takes.</summary>
    public int PendingBytes { get; init; } = 8 << 20;

    /// <summary>Most bytes of a batch of one device's events; the greatest event makes a greater one. 256 KiB by default.</summary>
    public int PlainBatchBytes { get; init; } = 256 << 10;

    /// <summary>Which streams' events go up to a cluster: they stay here until one has them. None by default.</summary>
    public Func<StreamPath, bool>? GoesUp { get; init; }

    /// <summary>What is done with the events of which topics; none by default. <see cref="GoesUp"/> is for the rest.</summary>
    public System.Collections.Immutable.ImmutableArray<Route> Routes { get; init; } = [];

    /// <summary>What is wrong; <see langword="null"/> when nothing is.</summary>
    public string? Fault =>
        Path.Length == 0 ? "store: a path is needed"
        : MaxBytes < LeastBytes ? $"store: {MaxBytes} bytes, at least {LeastBytes}"
        : PendingBytes < 64 << 10 ? $"store: {PendingBytes} pending bytes, at least 65536"
        : PlainBatchBytes is < 1024 or > EventLimits.MaxBatchBytes
            ? $"store: batches of {PlainBatchBytes} bytes, 1024 to {EventLimits.MaxBatchBytes} are allowed"
        : null;
}
