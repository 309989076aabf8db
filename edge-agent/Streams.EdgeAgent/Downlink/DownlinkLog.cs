using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>All that the downlink logs. Event ids 4150 to 4159.</summary>
internal static partial class DownlinkLog
{
    [LoggerMessage(4150, LogLevel.Information, "{Cluster} sends {Stream} under the cursor {Consumer}")]
    public static partial void Opened(ILogger logger, ClusterName cluster, StreamPath stream, ConsumerName consumer);

    [LoggerMessage(4151, LogLevel.Error, "{Cluster} does not send {Stream}: {Reason}. It is asked again at the next connection")]
    public static partial void Refused(ILogger logger, ClusterName cluster, StreamPath stream, string reason);

    [LoggerMessage(4152, LogLevel.Warning, "{Events} events of {Lane} were gone at the cluster before they came here")]
    public static partial void Gap(ILogger logger, LaneId lane, long events);

    [LoggerMessage(4153, LogLevel.Warning, "Events of {Stream} wait at the cluster: {Reason}")]
    public static partial void Waits(ILogger logger, StreamPath stream, string reason);
}
