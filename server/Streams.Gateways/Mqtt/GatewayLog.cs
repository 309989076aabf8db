using Microsoft.Extensions.Logging;

namespace Streams.Gateways;

/// <summary>All log lines of the MQTT gateway; events 4000 to 4099.</summary>
internal static partial class GatewayLog
{
    [LoggerMessage(4000, LogLevel.Debug, "{Client} connected from {Remote}: MQTT {Version}, session present {SessionPresent}")]
    public static partial void Connected(ILogger log, string client, string remote, string version, bool sessionPresent);

    [LoggerMessage(4001, LogLevel.Debug, "{Client} disconnected: {Reason}")]
    public static partial void Disconnected(ILogger log, string client, string reason);

    [LoggerMessage(4002, LogLevel.Information, "Connection from {Remote} refused: {Reason}")]
    public static partial void Refused(ILogger log, string remote, string reason);

    [LoggerMessage(4003, LogLevel.Warning, "{Client} at {Remote} broke the protocol and is disconnected: {Reason}")]
    public static partial void BrokeProtocol(ILogger log, string client, string remote, string reason);

    [LoggerMessage(4004, LogLevel.Information, "{Client} is taken over by a newer connection from {Remote}")]
    public static partial void TakenOver(ILogger log, string client, string remote);

    [LoggerMessage(4005, LogLevel.Warning,
        "Message of {Client} on {Topic} was refused, which MQTT 3.1.1 cannot say: the connection is closed. {Reason}")]
    public static partial void RefusedByClosing(ILogger log, string client, string topic, string reason);

    [LoggerMessage(4006, LogLevel.Debug, "Message of {Client} on {Topic} with QoS 0 was not taken: {Reason}")]
    public static partial void AtMostOnceLost(ILogger log, string client, string topic, string reason);

    [LoggerMessage(4007, LogLevel.Error, "The session of {Client} failed and is closed")]
    public static partial void SessionFailed(ILogger log, string client, Exception failure);

    [LoggerMessage(4008, LogLevel.Warning, "The cursors of {Client} could not be committed, it may be given events again: {Reason}")]
    public static partial void CommitFailed(ILogger log, string client, string reason);

    [LoggerMessage(4009, LogLevel.Warning, "The session of {Client} could not be written: {Reason}")]
    public static partial void SessionNotWritten(ILogger log, string client, string reason);

    [LoggerMessage(4010, LogLevel.Error, "Batch in {Lane} at {Offset} is damaged and is stepped over: {Fault}")]
    public static partial void DamagedBatch(ILogger log, string lane, long offset, string fault);

    [LoggerMessage(4011, LogLevel.Warning, "The will of {Client} on {Topic} was not taken: {Reason}")]
    public static partial void WillLost(ILogger log, string client, string topic, string reason);

    [LoggerMessage(4012, LogLevel.Warning,
        "{Client} is given batches of {Partition} without what should come before them: patience ran out")]
    public static partial void PatienceRanOut(ILogger log, string client, string partition);

    [LoggerMessage(4013, LogLevel.Warning, "{Client} steps over {Events} events of {Partition} that retention has taken")]
    public static partial void SteppedOverGap(ILogger log, string client, long events, string partition);

    [LoggerMessage(4014, LogLevel.Warning,
        "Event of {Partition} takes {Bytes} bytes as a message, {Client} takes {MaxBytes}: it is left out")]
    public static partial void TooLargeForClient(ILogger log, string client, string partition, int bytes, long maxBytes);

    [LoggerMessage(4015, LogLevel.Information, "Draining: {Sessions} clients are told to go elsewhere")]
    public static partial void Draining(ILogger log, int sessions);

    [LoggerMessage(4016, LogLevel.Warning, "The session kept for {Client} cannot be read and is begun anew: {Fault}")]
    public static partial void SessionUnreadable(ILogger log, string client, string fault);

    [LoggerMessage(4017, LogLevel.Warning, "Closing the session of {Client} took longer than {Limit}; what was not committed comes again")]
    public static partial void CloseTooSlow(ILogger log, string client, TimeSpan limit);

    [LoggerMessage(4018, LogLevel.Warning,
        "Too many connect at once: {Refused} more were told when to come again; {AcceptRate} a second are taken (--accept-rate)")]
    public static partial void Storm(ILogger log, long refused, int acceptRate);

    [LoggerMessage(4019, LogLevel.Information,
        "{Clients} SDK clients were told to spread over {Window} when this cluster is lost, for {Devices} devices are connected")]
    public static partial void Hinted(ILogger log, int clients, TimeSpan window, int devices);

    [LoggerMessage(4022, LogLevel.Error,
        "Telling SDK clients where to go when this cluster is lost failed; it is tried again when that changes")]
    public static partial void HintsFailed(ILogger log, Exception failure);

    [LoggerMessage(4040, LogLevel.Warning,
        "Shared subscription {Share} failed and its members are disconnected; what they did not acknowledge comes again: {Fault}")]
    public static partial void ShareFailed(ILogger log, string share, string fault);

    [LoggerMessage(4020, LogLevel.Debug, "{Client} opened {Consumer} on {Stream}, subscription {Subscription}")]
    public static partial void Opened(ILogger log, string client, string consumer, string stream, uint subscription);

    [LoggerMessage(4021, LogLevel.Debug, "A batch of {Client} for {Partition} was refused: {Reason}")]
    public static partial void BatchRefused(ILogger log, string client, string partition, string reason);

    [LoggerMessage(4060, LogLevel.Warning, "{Client} publishes faster than it may and is held back: {Limit}")]
    public static partial void TooFast(ILogger log, string client, string limit);
}
