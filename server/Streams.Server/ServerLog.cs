using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Server;

/// <summary>The log events of the host: 6000 to 6099.</summary>
internal static partial class ServerLog
{
    [LoggerMessage(6000, LogLevel.Information, "starting version {Version}, cluster {Cluster}, data {Directory}")]
    public static partial void Starting(ILogger logger, string version, ClusterName cluster, string directory);

    [LoggerMessage(6001, LogLevel.Information,
        "recovered in {Milliseconds} ms: {Records} records read, {CutBytes} bytes cut from the tail")]
    public static partial void Recovered(ILogger logger, long milliseconds, long records, long cutBytes);

    [LoggerMessage(6002, LogLevel.Information, "incarnation {Incarnation} goes on: {Detail}")]
    public static partial void GoesOn(ILogger logger, Incarnation incarnation, string detail);

    [LoggerMessage(6003, LogLevel.Warning, "incarnation {Incarnation} opened, earlier ones are closed ({Reason}): {Detail}")]
    public static partial void Opened(ILogger logger, Incarnation incarnation, string reason, string detail);

    [LoggerMessage(6004, LogLevel.Information, "incarnation {Incarnation} opened: {Detail}")]
    public static partial void OpenedFirst(ILogger logger, Incarnation incarnation, string detail);

    [LoggerMessage(6005, LogLevel.Information, "draining: {Why}")]
    public static partial void Draining(ILogger logger, string why);

    [LoggerMessage(6006, LogLevel.Information, "stopped")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(6007, LogLevel.Critical, "the store failed, nothing is acknowledged any more, this process ends: {Fault}")]
    public static partial void StoreFailed(ILogger logger, string fault);

    [LoggerMessage(6010, LogLevel.Warning, "request {Path} failed")]
    public static partial void RequestFailed(ILogger logger, string path, Exception fault);

    [LoggerMessage(6011, LogLevel.Warning, "neighbours did not answer within {Seconds} s; going by what is here")]
    public static partial void NeighboursSilent(ILogger logger, double seconds);

    [LoggerMessage(6012, LogLevel.Warning, "the witness cannot be brought up to date: {Fault}")]
    public static partial void WitnessLate(ILogger logger, string fault);

    [LoggerMessage(6013, LogLevel.Warning, "incarnation {Incarnation} opened while running, earlier ones are closed: {Reason}")]
    public static partial void OpenedWhileRunning(ILogger logger, Incarnation incarnation, string reason);

    [LoggerMessage(6014, LogLevel.Information,
        "retention: {Events} events of {Stream} went, in {Entries} entries and {Bytes} bytes of {Lanes} lanes")]
    public static partial void RetentionTook(ILogger logger, StreamPath stream, long events, long entries, long bytes, int lanes);

    [LoggerMessage(6015, LogLevel.Warning, "retention: {Entries} entries of {Stream} went although a link needs them: it had {Time} or "
        + "{Bytes} bytes of each lane to take them. Its receiver steps over a gap")]
    public static partial void RetentionTookFromLinks(ILogger logger, StreamPath stream, long entries, TimeSpan time, long bytes);

    [LoggerMessage(6016, LogLevel.Warning, "retention: the clock is {Ahead} ahead of what it should be, or nothing was written for so "
        + "long; nothing becomes old by that for {Time}. Set it right if it is wrong")]
    public static partial void ClockDoubted(ILogger logger, TimeSpan ahead, TimeSpan time);

    [LoggerMessage(6017, LogLevel.Warning, "retention is held up: {Fault}")]
    public static partial void RetentionHeldUp(ILogger logger, string fault);

    [LoggerMessage(6018, LogLevel.Error, "a pass of retention failed")]
    public static partial void RetentionFailed(ILogger logger, Exception fault);

    [LoggerMessage(6019, LogLevel.Warning, "draining failed: clients may not have been told to go elsewhere")]
    public static partial void DrainFailed(ILogger logger, Exception fault);
}
