using Streams.Core;

namespace Streams.Storage;

/// <summary>A container at one moment.</summary>
/// <param name="Id">The container.</param>
/// <param name="Bytes">Bytes of the log.</param>
/// <param name="Segments">Segments of the log.</param>
/// <param name="Entries">Lane entries in the log.</param>
/// <param name="Events">Events in the log.</param>
/// <param name="Lanes">Lanes, own and foreign.</param>
/// <param name="Flushes">Flushes since it was opened.</param>
/// <param name="BytesWritten">Bytes written since it was opened.</param>
/// <param name="PendingBytes">Bytes that wait for the writer.</param>
/// <param name="UnflushedBytes">Bytes acknowledged as written that are not flushed yet, so that readers and links do not see
/// them.</param>
/// <param name="Phase">Whether it writes, and what it waits for.</param>
/// <param name="Reason">Why it does not write; empty while it does.</param>
public readonly record struct ContainerStatus(ContainerId Id, long Bytes, int Segments, long Entries, long Events, int Lanes, long Flushes,
    long BytesWritten, long PendingBytes, long UnflushedBytes, WritePhase Phase, string Reason)
{
    /// <summary>Whether nothing is acknowledged because of what the disk refused, other than for want of room.</summary>
    public bool Failed => Phase is WritePhase.Failed or WritePhase.Verifying;
}

/// <summary>A partitionlet: a bounded run of a lane inside one container.</summary>
/// <param name="Container">Where it is.</param>
/// <param name="FirstEntry">Its first entry.</param>
/// <param name="FirstOffset">Offset of its first event.</param>
/// <param name="NextOffset">Offset behind its last event.</param>
/// <param name="Bytes">Bytes in the log.</param>
/// <param name="Sealed">Whether it takes no more entries.</param>
public readonly record struct PartitionletStatus(ContainerId Container, EntryNumber FirstEntry, Offset FirstOffset, Offset NextOffset,
    long Bytes,
    bool Sealed);
