using Microsoft.Extensions.Logging;

namespace Streams.Storage;

/// <summary>All that the storage floor logs. Event ids 1000 to 1099.</summary>
internal static partial class StorageLog
{
    [LoggerMessage(1000, LogLevel.Information,
        "Container {Container} is open: {Segments} segments, {Bytes} bytes, {Lanes} lanes, {Entries} entries; "
        + "{FromIndex} segments taken from their index")]
    public static partial void Opened(this ILogger logger, ContainerId container, int segments, long bytes, int lanes, long entries,
        int fromIndex);

    [LoggerMessage(1001, LogLevel.Warning, "{Bytes} bytes were cut from the end of {Segment} at {Offset}: a write was under way when "
        + "the store stopped. Nothing in them was acknowledged")]
    public static partial void TailCut(this ILogger logger, string segment, long offset, long bytes);

    [LoggerMessage(1002, LogLevel.Error, "{Bytes} bytes of {Segment} at {Offset} cannot be read: {Reason}. "
        + "The entries in them are lost here; another cluster may have them")]
    public static partial void Unreadable(this ILogger logger, string segment, long offset, long bytes, string reason);

    [LoggerMessage(1003, LogLevel.Information, "{Segment} was begun and never used; it was removed")]
    public static partial void EmptySegmentRemoved(this ILogger logger, string segment);

    [LoggerMessage(1004, LogLevel.Error, "The disk refused: {Reason}. Nothing more is acknowledged until the end of the log is verified")]
    public static partial void DiskRefused(this ILogger logger, string reason);

    [LoggerMessage(1005, LogLevel.Information, "Writing under {Origin}")]
    public static partial void Writing(this ILogger logger, Core.Origin origin);

    [LoggerMessage(1006, LogLevel.Warning, "New incarnation {Origin}: {Reason}")]
    public static partial void NewIncarnation(this ILogger logger, Core.Origin origin, string reason);

    [LoggerMessage(1007, LogLevel.Error, "Fork: {Detail}. Two histories of one lane exist; nothing was changed here")]
    public static partial void Fork(this ILogger logger, string detail);

    [LoggerMessage(1008, LogLevel.Error, "A watcher failed")]
    public static partial void WatcherFailed(this ILogger logger, Exception cause);

    [LoggerMessage(1009, LogLevel.Warning, "The state file is rebuilt from the log: {Reason}")]
    public static partial void StateRebuilt(this ILogger logger, string reason);

    [LoggerMessage(1010, LogLevel.Warning, "The state file could not be written; the next start replays more of the log")]
    public static partial void StateNotWritten(this ILogger logger, Exception cause);

    [LoggerMessage(1011, LogLevel.Warning, "The index of {Segment} is not used: {Reason}. The segment is read instead")]
    public static partial void IndexNotUsed(this ILogger logger, string segment, string reason);

    [LoggerMessage(1012, LogLevel.Debug, "Segment {Segment} begins")]
    public static partial void Rolled(this ILogger logger, string segment);

    [LoggerMessage(1014, LogLevel.Error, "{Lane}: entry {Entry} is damaged in the log. It is asked of the neighbours")]
    public static partial void EntryDamaged(this ILogger logger, Core.LaneId lane, long entry);

    [LoggerMessage(1013, LogLevel.Warning, "The index of {Segment} could not be written: it stays in memory")]
    public static partial void IndexNotWritten(this ILogger logger, Exception cause, string segment);

    [LoggerMessage(1016, LogLevel.Warning, "The damaged header of {Segment} could not be written anew")]
    public static partial void HeaderNotMended(this ILogger logger, Exception cause, string segment);

    [LoggerMessage(1017, LogLevel.Error, "{Lane}: entries {First} to {Last} are damaged, and nobody gave them back for {Patience}: readers "
        + "step over them to offset {Next}")]
    public static partial void DamageGivenUp(this ILogger logger, Core.LaneId lane, long first, long last, Core.Offset next,
        TimeSpan patience);

    [LoggerMessage(1018, LogLevel.Error, "{Lane}: entries {First} to {Last} are lost: {Why}. The lane goes on behind them, at offset "
        + "{Next}, for readers and links; they are taken when somebody has them")]
    public static partial void DeclaredLost(this ILogger logger, Core.LaneId lane, long first, long last, Core.Offset next, string why);

    [LoggerMessage(1019, LogLevel.Error, "{Lane}: entries {First} to {Last} were lost where the lane comes from: it goes on here without "
        + "them, at offset {Next}. They are asked of the other neighbours")]
    public static partial void LeftOut(this ILogger logger, Core.LaneId lane, long first, long last, Core.Offset next);

    [LoggerMessage(1015, LogLevel.Warning, "{Index} was damaged: {Pages} pages of it were made anew from the segment")]
    public static partial void IndexMended(this ILogger logger, string index, int pages);

    [LoggerMessage(1020, LogLevel.Error, "The disk is full, writing needs {Bytes} bytes: {Reason}. "
        + "What comes is refused until there is room")]
    public static partial void DiskFull(this ILogger logger, long bytes, string reason);

    [LoggerMessage(1021, LogLevel.Warning, "Writing goes on after {Seconds:f1} s: {Why}")]
    public static partial void WritingAgain(this ILogger logger, string why, double seconds);

    [LoggerMessage(1022, LogLevel.Error, "{Bytes} bytes of events of streams whose durability is written were acknowledged and are lost: "
        + "the disk refused to flush them")]
    public static partial void WrittenLost(this ILogger logger, long bytes);

    [LoggerMessage(1023, LogLevel.Critical, "The writer ended: nothing more is acknowledged until the container is opened anew")]
    public static partial void WriterEnded(this ILogger logger, Exception cause);
    [LoggerMessage(1030, LogLevel.Information, "{Segments} segments of which nothing is kept were deleted: {Bytes} bytes; "
        + "{Facts} facts that they told were written once more before")]
    public static partial void SegmentsDeleted(this ILogger logger, int segments, long bytes, long facts);

    [LoggerMessage(1032, LogLevel.Error, "The retained message of {Stream}:{Topic} cannot be read: its event at offset {Offset} of {Lane} "
        + "is damaged in the log")]
    public static partial void RetainedDamaged(this ILogger logger, Core.StreamPath stream, string topic, long offset, Core.LaneId lane);

    [LoggerMessage(1031, LogLevel.Information, "{Ranges} ranges of {Segment} were given back: {Bytes} bytes; "
        + "{Facts} facts that they told were written once more before")]
    public static partial void RangesGivenBack(this ILogger logger, string segment, int ranges, long bytes, long facts);
}
