namespace Streams.Server;

/// <summary>Answer of <c>GET /api/v1/status</c>.</summary>
internal sealed record StatusAnswer(
    string Cluster,
    string? Origin,
    string Status,
    string? Reason,
    string Version,
    double UptimeSeconds,
    long Starts,
    string DataDirectory,
    string? Witness,
    IncarnationAnswer? Incarnation,
    EndpointsAnswer Endpoints,
    RecoveryAnswer? Recovery,
    ContainerAnswer? Container,
    GatewayAnswer? Gateway);

/// <summary>What was decided at the start: whether a new incarnation was opened, and why.</summary>
internal sealed record IncarnationAnswer(bool Opened, string Reason, string Detail);

/// <summary>Where the endpoints are that listen already.</summary>
internal sealed record EndpointsAnswer(string? Mqtt, string? Http, string? Link);

/// <summary>What opening the container found and did.</summary>
internal sealed record RecoveryAnswer(
    double Seconds, long CutBytes, string CutDetail, long RecordsRead, int SegmentsFromIndex, string StateRebuilt,
    IReadOnlyList<UnreadableAnswer> Unreadable);

/// <summary>A run of the log that could not be read.</summary>
internal sealed record UnreadableAnswer(string Segment, long Offset, long Bytes, string Reason);

/// <summary>The container at this moment.</summary>
internal sealed record ContainerAnswer(
    string Id, long Bytes, int Segments, long Entries, long Events, int Lanes, long Flushes, long BytesWritten, long PendingBytes,
    bool Failed, string State, string? Reason);

/// <summary>The MQTT gateway at this moment.</summary>
internal sealed record GatewayAnswer(
    int Connections, int Sessions, int PersistentSessions, int Subscriptions, bool IsDraining, double HintedWindowSeconds);

/// <summary>Answer of <c>GET /api/v1/links</c>.</summary>
internal sealed record LinksAnswer(IReadOnlyList<LinkAnswer> Outgoing, IReadOnlyList<LinkAnswer> Incoming);

/// <summary>One link. <c>state</c> is down, connecting, handshaking, catchingUp or level.</summary>
internal sealed record LinkAnswer(
    string Name, string State, DateTimeOffset Since, string? LastError, long BytesSent, long BytesReceived, long Entries,
    long EntriesSpared, long GapEntries, long LagEvents, double LagSeconds, long Reconnects);

/// <summary>Answer of <c>GET /api/v1/chains</c>.</summary>
internal sealed record ChainsAnswer(string Stream, IReadOnlyList<ChainAnswer> Lanes);

/// <summary>One lane as a list of partitionlets.</summary>
internal sealed record ChainAnswer(int Partition, string Origin, IReadOnlyList<PartitionletAnswer> Partitionlets);

/// <summary>A bounded run of a lane inside one container.</summary>
internal sealed record PartitionletAnswer(string Container, long FirstEntry, long FirstOffset, long NextOffset, long Bytes, bool Sealed);
