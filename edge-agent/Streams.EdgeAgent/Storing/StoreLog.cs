using Microsoft.Extensions.Logging;

namespace Streams.EdgeAgent;

/// <summary>All that the agent's store logs. Event ids 4100 to 4149.</summary>
internal static partial class StoreLog
{
    [LoggerMessage(4100, LogLevel.Information,
        "The store {Path} is open as {Origin}: {Lanes} lanes, {Bytes} bytes of at most {MaxBytes} in use")]
    public static partial void Opened(ILogger logger, string path, Core.Origin origin, int lanes, long bytes, long maxBytes);

    [LoggerMessage(4101, LogLevel.Critical,
        "The store {Path} is damaged ({Reason}). It was moved to {Aside} and a new one begun. {Saved} batches could be read and were "
        + "saved; what else was in it is not sent up. Keep the file: it may be read by hand")]
    public static partial void Damaged(ILogger logger, string path, string aside, string reason, long saved);

    [LoggerMessage(4102, LogLevel.Error, "{Operations} operations were not written: {Reason}")]
    public static partial void WriteFailed(ILogger logger, int operations, string reason);

    [LoggerMessage(4103, LogLevel.Critical, "The writer of the store died. Nothing more is taken until the agent is started again")]
    public static partial void WriterDied(ILogger logger, Exception reason);

    [LoggerMessage(4104, LogLevel.Warning, "{Events} events were removed from the store that no cluster is known to have")]
    public static partial void Dropped(ILogger logger, long events);

    [LoggerMessage(4105, LogLevel.Error, "A watcher of the store failed")]
    public static partial void WatcherFailed(ILogger logger, Exception reason);
}
