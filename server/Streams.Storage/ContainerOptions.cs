using Streams.Core;

namespace Streams.Storage;

/// <summary>The id of a container inside its cluster.</summary>
public readonly record struct ContainerId(uint Value)
{
    /// <summary>Text form <c>c7</c>.</summary>
    public override string ToString() => $"c{Value}";
}

/// <summary>How a container keeps its log. Nothing overrides these but the caller.</summary>
public sealed record ContainerOptions
{
    /// <summary>The folder of the log and the state file. Needed unless <see cref="Disk"/> is given.</summary>
    public string? Directory { get; init; }

    /// <summary>Another place for the log than <see cref="Directory"/>. Without a directory no state file is kept: everything is derived
    /// from the log at open.</summary>
    public ILogDisk? Disk { get; init; }

    /// <summary>The container's id; default 0.</summary>
    public ContainerId Id { get; init; }

    /// <summary>A segment ends when the next group would make it longer: bytes, default 256 MiB, 4 KiB to 1 GiB. Larger segments mean
    /// fewer open files.</summary>
    public long SegmentBytes { get; init; } = 256 << 20;

    /// <summary>Steps in which a segment's file is lengthened, so that a flush seldom has a new length to store: bytes, default 16 MiB,
    /// 4 KiB to 1 GiB.</summary>
    public long AllocationBytes { get; init; } = 16 << 20;

    /// <summary>Bytes of the log's end that are kept in memory for readers, while writing goes past the system's cache where the file
    /// system allows that (Linux): default 8 MiB, at most 256 MiB. 0: all goes through the cache.</summary>
    public int TailBytes { get; init; } = 8 << 20;

    /// <summary>Longest time between an acknowledgement of a stream whose durability is <see cref="Durability.Written"/> and the flush
    /// that makes its events visible to readers and links: default 100 ms, 1 ms to 1 minute.</summary>
    public TimeSpan FlushInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Whether, on a disk that was given, too, segments are prepared ahead, and groups staged while one is flushed. A simulation
    /// wants neither: no other threads, and no more files than it needs.</summary>
    internal bool RunsAheadOnGivenDisk { get; init; }

    /// <summary>Whether the writer does anything ahead.</summary>
    internal bool RunsAhead => Disk is null || RunsAheadOnGivenDisk;

    /// <summary>Bytes of operations that may wait before callers have to: default 32 MiB, at least 64 KiB. One operation always
    /// passes.</summary>
    public long PendingBytes { get; init; } = 32 << 20;

    /// <summary>Operations that may wait before callers have to: default 65 536.</summary>
    public int PendingOperations { get; init; } = 65_536;

    /// <summary>Bytes that one group takes together before it is written: default 8 MiB, 64 KiB to 64 MiB. A larger group waits longer
    /// for its flush.</summary>
    public int GroupBytes { get; init; } = 8 << 20;

    /// <summary>Operations that one group takes together: default 8192.</summary>
    public int GroupOperations { get; init; } = 8192;

    /// <summary>Bytes up to which waiting plain events of one partition are put into one batch: default 256 KiB, at most 4 MiB.</summary>
    public int PlainBatchBytes { get; init; } = 256 << 10;

    /// <summary>A partitionlet is sealed at this size: bytes, default 4 GiB.</summary>
    public long PartitionletBytes { get; init; } = 4L << 30;

    /// <summary>A partitionlet is sealed when its first entry is older than this; default never.</summary>
    public TimeSpan PartitionletAge { get; init; } = TimeSpan.MaxValue;

    /// <summary>Log records after which the derived state is written to its file: default 50 000. Fewer mean a shorter start and more
    /// writing.</summary>
    public int CheckpointRecords { get; init; } = 50_000;

    /// <summary>Time after which the derived state is written to its file, if anything was logged: default 10 s.</summary>
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long entries that cannot be read hold up who reads by offset, in the hope that a neighbour gives them back: default 1
    /// hour, at least zero. Then they are stepped over as if retention had taken them.</summary>
    public TimeSpan DamagePatience { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Checks all options.</summary>
    /// <exception cref="ConfigurationException">All faults, one a line.</exception>
    internal void Validate()
    {
        List<string> faults = [];
        Require(Directory is not null || Disk is not null, "Directory: missing");
        Require(SegmentBytes is >= 4 << 10 and <= 1 << 30, $"SegmentBytes {SegmentBytes}: 4 KiB to 1 GiB");
        Require(AllocationBytes is >= 4 << 10 and <= 1 << 30, $"AllocationBytes {AllocationBytes}: 4 KiB to 1 GiB");
        Require(TailBytes is >= 0 and <= 256 << 20, $"TailBytes {TailBytes}: 0 to 256 MiB");
        Require(FlushInterval >= TimeSpan.FromMilliseconds(1) && FlushInterval <= TimeSpan.FromMinutes(1),
            $"FlushInterval {FlushInterval}: 1 ms to 1 minute");
        Require(PendingBytes >= 64 << 10, $"PendingBytes {PendingBytes}: at least 64 KiB");
        Require(PendingOperations >= 1, $"PendingOperations {PendingOperations}: at least 1");
        Require(GroupBytes is >= 64 << 10 and <= 64 << 20, $"GroupBytes {GroupBytes}: 64 KiB to 64 MiB");
        Require(GroupOperations >= 1, $"GroupOperations {GroupOperations}: at least 1");
        Require(PlainBatchBytes is >= 1024 and <= EventLimits.MaxBatchBytes, $"PlainBatchBytes {PlainBatchBytes}: 1 KiB to 4 MiB");
        Require(PartitionletBytes >= 4 << 10, $"PartitionletBytes {PartitionletBytes}: at least 4 KiB");
        Require(PartitionletAge > TimeSpan.Zero, $"PartitionletAge {PartitionletAge}: more than zero");
        Require(CheckpointRecords >= 1, $"CheckpointRecords {CheckpointRecords}: at least 1");
        Require(CheckpointInterval > TimeSpan.Zero, $"CheckpointInterval {CheckpointInterval}: more than zero");
        Require(DamagePatience >= TimeSpan.Zero, $"DamagePatience {DamagePatience}: at least zero");
        if (faults.Count > 0)
        {
            throw new ConfigurationException(string.Join('\n', faults));
        }

        void Require(bool holds, string fault)
        {
            if (!holds)
            {
                faults.Add("container: " + fault);
            }
        }
    }
}
