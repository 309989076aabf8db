using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>All that the uplink logs beside the sender. Event ids 4160 to 4169.</summary>
internal static partial class UpLog
{
    [LoggerMessage(4160, LogLevel.Error, "{Partition}: {Events} events of producer {Producer} are not sent: their sequences were given to "
        + "other events before, for the device's outbox was put back from an old copy, or they came behind what follows them, over an "
        + "agent that the device has left. They are kept among the refused ones")]
    public static partial void PutBack(ILogger logger, StreamPartition partition, ProducerId producer, int events);

    [LoggerMessage(4161, LogLevel.Error, "How far the uplink is was not stored: {Reason}. It is tried again")]
    public static partial void NotNoted(ILogger logger, string reason);

    [LoggerMessage(4163, LogLevel.Error, "The agents are uplinks of each other: {Ring}. What went up would come back, so nothing is sent "
        + "this way. Mend clusters.to of this one")]
    public static partial void Ring(ILogger logger, string ring);

    [LoggerMessage(4162, LogLevel.Error, "What goes up cannot be read now: {Reason}. It is tried again")]
    public static partial void NotRead(ILogger logger, string reason);
}
