using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Client;

/// <summary>What the client says, ids 3000 to 3099. No line per event.</summary>
internal static partial class ClientLog
{
    [LoggerMessage(3000, LogLevel.Information, "Outbox {Path} opened: producer {Producer}, {Events} events wait.")]
    public static partial void OutboxOpened(ILogger logger, string path, ProducerId producer, long events);

    [LoggerMessage(3001, LogLevel.Error, "Outbox {Path} is damaged ({Reason}): what can be read of it is saved into a new file.")]
    public static partial void OutboxDamaged(ILogger logger, string path, string reason);

    [LoggerMessage(3002, LogLevel.Error,
        "The outbox could not write {Operations} operations; publishers are told, confirmations are tried again.")]
    public static partial void WriteFailed(ILogger logger, int operations, Exception reason);

    [LoggerMessage(3003, LogLevel.Critical, "The outbox's writer died: nothing more can be published.")]
    public static partial void WriterDied(ILogger logger, Exception reason);

    [LoggerMessage(3004, LogLevel.Warning,
        "The journal of the {Owner}, {Pages} pages, cannot be written back now: {Reason}. It is tried again; when it is full, nothing"
        + " more is taken until it can be.")]
    public static partial void JournalStays(ILogger logger, string owner, long pages, string reason);

    [LoggerMessage(3005, LogLevel.Error,
        "Events {First} to {Last} of {Partition} cannot be read ({Reason}): damage has got at them on the device's disk. They are given up,"
        + " the stream tells, and what waits behind them goes on.")]
    public static partial void EventUnreadable(ILogger logger, StreamPartition partition, long first, long last, string reason);

    [LoggerMessage(3006, LogLevel.Error,
        "The outbox's file is damaged: {Operations} confirmations could not be written and are left. The clusters tell them again; what can"
        + " be read of the file is saved at the next opening.")]
    public static partial void DamageMet(ILogger logger, int operations, Exception reason);

    [LoggerMessage(3007, LogLevel.Information, "Outbox {Path}: {Percent} % of the damaged file read, {Rows} rows saved.")]
    public static partial void Saving(ILogger logger, string path, long percent, long rows);

    [LoggerMessage(3008, LogLevel.Warning,
        "Outbox {Path}: {Events} events that wait, {Staged} staged ones, {Refused} refused ones and {Consumers} consumers were saved"
        + " from the damaged file; {Missing} events are known to be missing, and the stream tells of them. The damaged file is kept as"
        + " {Aside}.")]
    public static partial void OutboxSaved(ILogger logger, string path, long events, long staged, long refused, long consumers,
        long missing, string aside);

    [LoggerMessage(3009, LogLevel.Warning,
        "Outbox {Path}: {Nameless} events could be read whose stream is not known; they are only in the damaged file. Tables not read to"
        + " their end, apart from waiting events: '{Torn}'. In {Leaps} partitions it cannot be proven which sequences were given; they go"
        + " on far behind the last one seen.")]
    public static partial void SavedInPart(ILogger logger, string path, long nameless, string torn, long leaps);

    [LoggerMessage(3026, LogLevel.Warning,
        "Outbox {Path}: the producer's id could not be read; what was saved is sent under the new one {Producer}. What a cluster had"
        + " already, and had not confirmed, stands there twice.")]
    public static partial void SavedUnderNewProducer(ILogger logger, string path, ProducerId producer);

    [LoggerMessage(3027, LogLevel.Error,
        "Outbox {Path}: the last {Frames} pages that were committed to its journal are gone, and what stood in them: the end of the"
        + " journal is missing. What is before it is sound.")]
    public static partial void JournalShort(ILogger logger, string path, long frames);

    [LoggerMessage(3010, LogLevel.Information, "Connected to {Cluster} at {Address}.")]
    public static partial void Connected(ILogger logger, ClusterName cluster, string address);

    [LoggerMessage(3011, LogLevel.Warning, "Cannot connect to {Cluster} at {Address}: {Reason}")]
    public static partial void ConnectFailed(ILogger logger, ClusterName cluster, string address, string reason);

    [LoggerMessage(3012, LogLevel.Warning, "Connection to {Cluster} is over: {Reason}")]
    public static partial void Disconnected(ILogger logger, ClusterName cluster, string reason);

    [LoggerMessage(3013, LogLevel.Information, "{Cluster} answers again: going back to it in {Delay}.")]
    public static partial void FailingBack(ILogger logger, ClusterName cluster, TimeSpan delay);

    [LoggerMessage(3014, LogLevel.Error, "The connection loop failed and goes on.")]
    public static partial void ConnectorFailed(ILogger logger, Exception reason);

    [LoggerMessage(3015, LogLevel.Information,
        "The cluster may be lost to all its devices: this one goes elsewhere in {Wait}, its share of {Window}.")]
    public static partial void Spreading(ILogger logger, TimeSpan wait, TimeSpan window);

    [LoggerMessage(3016, LogLevel.Information,
        "{Cluster} at {Address} has no room now ({Reason}); it asks to come again after {After}.")]
    public static partial void ClusterBusy(ILogger logger, ClusterName cluster, string address, string reason, TimeSpan? after);

    [LoggerMessage(3017, LogLevel.Debug, "{Cluster} hints: when it is lost, spread over {Window} to {Places} clusters.")]
    public static partial void Hinted(ILogger logger, ClusterName cluster, TimeSpan window, int places);

    [LoggerMessage(3018, LogLevel.Warning, "{Cluster} sent a hint of {Bytes} bytes that makes no sense; it is ignored.")]
    public static partial void HintUnreadable(ILogger logger, ClusterName cluster, int bytes);

    [LoggerMessage(3050, LogLevel.Information, "TLS: certificate shown: {Shown}; read from its files.")]
    public static partial void CertificateTaken(ILogger logger, string shown);

    [LoggerMessage(3051, LogLevel.Error, "TLS: the certificate files cannot be used: {Reason}; {Consequence}.")]
    public static partial void CertificateNotTaken(ILogger logger, string reason, string consequence);

    [LoggerMessage(3052, LogLevel.Error,
        "{Cluster} at {Address} does not take this client: {Reason} It is tried again, with credentials asked for anew; events stay in"
        + " the outbox.")]
    public static partial void CredentialsRefused(ILogger logger, ClusterName cluster, string address, string reason);

    [LoggerMessage(3019, LogLevel.Information, "{Cluster} refers to '{Reference}': {Decided}.")]
    public static partial void Referred(ILogger logger, ClusterName cluster, string reference, string decided);

    [LoggerMessage(3053, LogLevel.Information, "{Cluster} is nearer than {Current}: going there in {Delay}.")]
    public static partial void Nearer(ILogger logger, ClusterName cluster, ClusterName current, TimeSpan delay);

    [LoggerMessage(3020, LogLevel.Warning,
        "{Cluster} holds events of this producer in {Partition} that this outbox does not know: the outbox was rolled back to an"
        + " older state. New events are told apart by their epoch; nothing is lost or mixed up.")]
    public static partial void RolledBack(ILogger logger, ClusterName cluster, StreamPartition partition);

    [LoggerMessage(3021, LogLevel.Error,
        "{Cluster} refused events {First} to {Last} of {Partition} for good ({Reason}); they are kept in the table 'refused'.")]
    public static partial void Parked(ILogger logger, ClusterName cluster, StreamPartition partition, long first, long last, string reason);

    [LoggerMessage(3022, LogLevel.Information, "{Cluster} holds {Events} events that waited here: the handshake told.")]
    public static partial void HeldAlready(ILogger logger, ClusterName cluster, long events);

    [LoggerMessage(3023, LogLevel.Warning,
        "{Cluster} refused a batch of {Partition} from {First} on ({Reason}): it is sent again in smaller ones.")]
    public static partial void Narrowing(ILogger logger, ClusterName cluster, StreamPartition partition, long first, string reason);

    [LoggerMessage(3024, LogLevel.Information,
        "{Cluster} ended the session of producer {Producer} ({Reason}): it says hello again in {Rest}.")]
    public static partial void ProducerShutOut(ILogger logger, ClusterName cluster, ProducerId producer, string reason, TimeSpan rest);

    [LoggerMessage(3025, LogLevel.Error,
        "Events of producer {Producer} in {Partition} cannot be read from {First} on: it is tried again in {Rest}; others go on.")]
    public static partial void ProducerUnreadable(ILogger logger, ProducerId producer, StreamPartition partition, long first, TimeSpan rest,
        Exception fault);

    [LoggerMessage(3030, LogLevel.Information, "Consumer {Consumer} of {Stream} reads at {Cluster}.")]
    public static partial void ConsumerOpened(ILogger logger, ConsumerName consumer, StreamPath stream, ClusterName cluster);

    [LoggerMessage(3031, LogLevel.Warning,
        "Consumer {Consumer} of {Stream}: {Events} events of partition {Partition} were taken by retention before they were read.")]
    public static partial void GapPassed(ILogger logger, ConsumerName consumer, StreamPath stream, int partition, long events);

    [LoggerMessage(3032, LogLevel.Warning,
        "Consumer {Consumer} of {Stream}: order given up for {Events} events of partition {Partition}: patience ran out.")]
    public static partial void PatienceRanOut(ILogger logger, ConsumerName consumer, StreamPath stream, int partition, int events);

    [LoggerMessage(3033, LogLevel.Warning, "Consumer {Consumer} of {Stream}: the open of it was refused: {Reason}")]
    public static partial void OpenRefused(ILogger logger, ConsumerName consumer, StreamPath stream, string reason);

    [LoggerMessage(3034, LogLevel.Error,
        "Consumer {Consumer} of {Stream}: what it was given could not be kept; the cursor stays behind until it can.")]
    public static partial void KeepFailed(ILogger logger, ConsumerName consumer, StreamPath stream, Exception reason);

    [LoggerMessage(3035, LogLevel.Information,
        "Consumer {Consumer} of {Stream}: partition {Partition} was rewound to generation {Generation}.")]
    public static partial void Rewound(ILogger logger, ConsumerName consumer, StreamPath stream, int partition, long generation);

    [LoggerMessage(3037, LogLevel.Information, "Consumer {Consumer} of {Stream}: partition {Partition} goes on at {Position},"
        + " generation {Generation}.")]
    public static partial void Sought(ILogger logger, ConsumerName consumer, StreamPath stream, int partition, SeekPosition position,
        long generation);

    [LoggerMessage(3036, LogLevel.Information, "Consumer {Consumer} of {Stream}: {Epochs} idle producer epochs were forgotten.")]
    public static partial void Evicted(ILogger logger, ConsumerName consumer, StreamPath stream, int epochs);

    [LoggerMessage(3060, LogLevel.Warning,
        "Under the rules of the outbox, unsent events were dropped: {Full} because it was full, {Expired} because they had waited for too"
        + " long; {Rejected} publishes were rejected. The stream tells of what was dropped. Said at most once a minute.")]
    public static partial void Dropping(ILogger logger, long full, long expired, long rejected);

    [LoggerMessage(3043, LogLevel.Warning, "{Path}: the outbox of a priority class that there is no more; its {Events} events are sent"
        + " behind all others.")]
    public static partial void FormerClass(ILogger logger, string path, long events);

    [LoggerMessage(3044, LogLevel.Error, "{Path}: looks like the outbox of a priority class that there is no more, and cannot be read:"
        + " {Reason}. It is left as it is.")]
    public static partial void FormerClassUnreadable(ILogger logger, string path, string reason);

    [LoggerMessage(3040, LogLevel.Warning, "Closing: {Events} events stay in the outbox and are sent at the next opening.")]
    public static partial void ClosedWithEvents(ILogger logger, long events);

    [LoggerMessage(3041, LogLevel.Error, "A handler of ConnectionChanged failed.")]
    public static partial void HandlerFailed(ILogger logger, Exception reason);

    [LoggerMessage(3042, LogLevel.Error, "Closing: {Events} events were given up, no cluster took them in time.")]
    public static partial void ClosedWithLoss(ILogger logger, long events);
}
